const REQUEST_MS = 5_000; // well below the ten seconds that Cloud Run leaves after SIGTERM

/**
 * Posts the notification to the push service. A worker that is killed between the answer and its own commit sends it again, with
 * the same key. Rejects when it is not taken.
 */
export async function post(url, notification) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": `notification-${notification.id}` },
    body: JSON.stringify(notification),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`the push service answered ${answer.status}`);
}
