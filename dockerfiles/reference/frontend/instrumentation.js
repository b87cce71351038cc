/** Next calls it once, before the server answers. */
export async function register() {
  if (process.env.NEXT_RUNTIME === "nodejs" && process.env.NODE_ENV === "production") {
    const { endInOrder } = await import("./lib/ending.js");
    endInOrder();
  }
}
