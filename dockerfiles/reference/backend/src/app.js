// The service without its process: routes, probes and the WebSocket, on whatever store it is given.

import websocket from "@fastify/websocket";
import Fastify from "fastify";

import { logOptions, traceFields } from "./log.js";

const PAGE = 100;
const GOING_AWAY = 1001; // https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
// A container cannot know that its revision lost its traffic, and an open socket keeps the instance: so no socket lives
// longer than this, give or take a fifth, and all are on the revision that serves soon after any change of the split.
const SOCKET_LIFE_MS = 10 * 60_000;
const PING_MS = 25_000; // below every proxy's idle limit, and seldom enough for an expensive line

const messageSchema = {
  type: "object",
  additionalProperties: false,
  required: ["author", "text", "key"],
  properties: {
    author: { type: "string", minLength: 1, maxLength: 64 },
    text: { type: "string", minLength: 1, maxLength: 4000 },
    key: { type: "string", minLength: 8, maxLength: 64 },
  },
};
const roomSchema = { type: "object", properties: { room: { type: "string", pattern: "^[a-z0-9-]{1,64}$" } } };

/**
 * revision: what answers tell they came from; project: for trace names; faults: {errorRate, latencyMs} of a release
 * that is told to misbehave; socketLifeMs: how long a socket lives at most, on average. Probe paths do not end in "z": Google's front end keeps such paths to itself.
 */
export async function buildApp({ store, revision = "local", project = "", faults = {}, logLevel = "info", socketLifeMs = SOCKET_LIFE_MS }) {
  const app = Fastify({
    logger: logOptions(logLevel),
    childLoggerFactory: (logger, bindings, options, request) =>
      logger.child({ ...bindings, ...traceFields(request.headers["x-cloud-trace-context"], project) }, options),
    forceCloseConnections: "idle",
    return503OnClosing: false, // what still comes on an open connection is answered, and ends it
    bodyLimit: 64 * 1024,
    trustProxy: true,
  });
  const rooms = new Map();
  app.decorate("draining", false);
  await app.register(websocket, { options: { maxPayload: 64 * 1024 } });

  app.addHook("onSend", async (_request, reply) => {
    reply.header("x-revision", revision);
    if (app.draining) reply.header("connection", "close"); // a kept connection would hold the end up
  });
  app.addHook("preHandler", async (request, reply) => {
    if (request.routeOptions.url?.startsWith("/health/")) return;
    if (faults.latencyMs) await new Promise((resolve) => setTimeout(resolve, faults.latencyMs));
    if (faults.errorRate && Math.random() < faults.errorRate) await reply.code(500).send({ error: "out of order" });
  });

  app.get("/health/live", async () => ({ live: true }));
  app.get("/health/ready", async (_request, reply) => {
    if (app.draining) return reply.code(503).send({ ready: false, reason: "draining" });
    try {
      await store.check();
    } catch (error) {
      return reply.code(503).send({ ready: false, reason: `the database does not answer: ${error.message}` });
    }
    return { ready: true };
  });

  app.get("/", async () => ({ service: "pushnchat-backend", revision }));

  app.get("/rooms/:room/messages", { schema: { params: roomSchema } }, async (request) => {
    const after = Number.parseInt(request.query.after ?? "0", 10) || 0;
    return { messages: await store.list(request.params.room, after, PAGE) };
  });

  app.post("/rooms/:room/messages", { schema: { params: roomSchema, body: messageSchema } }, async (request, reply) => {
    const message = await store.add({ room: request.params.room, ...request.body });
    for (const socket of rooms.get(message.room) ?? []) socket.send(JSON.stringify({ type: "message", message }));
    return reply.code(201).send(message);
  });

  app.get("/rooms/:room/socket", { websocket: true, schema: { params: roomSchema } }, (socket, request) => {
    const room = request.params.room;
    const sockets = rooms.get(room) ?? new Set();
    rooms.set(room, sockets.add(socket));
    const pings = setInterval(() => socket.ping(), PING_MS);
    const spread = 0.8 + 0.4 * Math.random(); // those who came together do not come back together
    const end = setTimeout(() => askBack(socket, "the socket is old: reconnect"), socketLifeMs * spread);
    socket.on("close", () => {
      clearInterval(pings);
      clearTimeout(end);
      sockets.delete(socket);
    });
    socket.send(JSON.stringify({ type: "hello", revision }));
  });

  /** Not ready any more; clients with an open socket are asked to come back, to another instance. */
  app.decorate("drain", () => {
    app.draining = true;
    for (const sockets of rooms.values()) {
      for (const socket of sockets) askBack(socket, "the instance is ending: reconnect");
    }
  });

  app.addHook("onClose", async () => store.close());
  return app;
}

/** The client opens another socket, which goes where traffic goes now, and asks for what it missed. */
function askBack(socket, why) {
  socket.send(JSON.stringify({ type: "reconnect" }));
  socket.close(GOING_AWAY, why);
}
