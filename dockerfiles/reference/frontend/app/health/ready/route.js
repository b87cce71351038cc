export const dynamic = "force-dynamic";

/** A page needs nothing but this process: the backend has a probe of its own. */
export function GET() {
  return Response.json({ ready: true });
}
