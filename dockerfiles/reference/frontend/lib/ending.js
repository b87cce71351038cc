// How the server ends. Next's own way waits for connections that a load balancer keeps for ten minutes, and is killed after ten
// seconds; what is asked on them meanwhile gets no answer.

import { subscribe } from "node:diagnostics_channel";

const LEAVE_MS = 1_000; // for clients to learn that their connection ends with its next answer
const END_WITHIN_MS = 9_000; // Cloud Run kills ten seconds after SIGTERM

/** From SIGTERM on, every answer ends its connection; then nothing new is taken, and what is under way is finished. */
export function endInOrder() {
  let ending = false;
  let server;
  const open = new Set();
  const last = (response) => (response.shouldKeepAlive = false);
  // https://nodejs.org/api/diagnostics_channel.html#http: the only way to a server that Next does not hand out.
  subscribe("http.server.request.start", (message) => {
    server = message.server;
    if (ending) last(message.response);
    open.add(message.response);
    message.response.once("close", () => open.delete(message.response));
  });
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.removeAllListeners(signal);
    process.once(signal, () => {
      ending = true;
      open.forEach(last);
      setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
      setTimeout(() => {
        if (!server) process.exit(0); // nobody ever asked
        server.close(() => process.exit(0));
      }, LEAVE_MS);
    });
  }
}
