// One JSON object per line, in the fields Cloud Logging reads; the trace joins a line to its request's.
// https://cloud.google.com/logging/docs/structured-logging

const SEVERITY = { 10: "DEBUG", 20: "DEBUG", 30: "INFO", 40: "WARNING", 50: "ERROR", 60: "CRITICAL" };

/** Options for Fastify's logger. project: the id that trace names begin with, or "". */
export function logOptions(level = "info") {
  return {
    level,
    messageKey: "message",
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (_label, number) => ({ severity: SEVERITY[number] ?? "DEFAULT" }) },
  };
}

/** What every line of a request carries. header: `X-Cloud-Trace-Context`, "TRACE/SPAN;o=1". */
export function traceFields(header, project) {
  const [trace, rest = ""] = (header ?? "").split("/");
  if (!trace || !project) return {};
  return {
    "logging.googleapis.com/trace": `projects/${project}/traces/${trace}`,
    "logging.googleapis.com/spanId": rest.split(";")[0],
  };
}
