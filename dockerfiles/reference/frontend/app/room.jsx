"use client";

import { useEffect, useRef, useState } from "react";

import { Outbox } from "../lib/outbox.js";
import { waitBefore } from "../lib/reconnect.js";

const REQUEST_MS = 30_000;

async function ask(path, options) {
  const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(REQUEST_MS) });
  if (answer.ok) return answer.json();
  const error = new Error(`status ${answer.status}`);
  error.refused = answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429;
  throw error;
}

export function Room({ room, release }) {
  const [messages, setMessages] = useState([]);
  const [waiting, setWaiting] = useState([]);
  const [refused, setRefused] = useState([]);
  const [line, setLine] = useState("connecting");
  const outbox = useRef(null);
  const last = useRef(0);
  const send = useRef(null);

  useEffect(() => {
    const path = `/rooms/${room}/messages`;
    let socket, timer;
    let attempt = 0;
    let over = false;
    let caughtUp = false;
    const add = (found) => {
      outbox.current.forget(found.map(({ key }) => key)); // sent, although the answer to it was lost
      setWaiting(outbox.current.waiting);
      setMessages((known) => {
        const ids = new Set(known.map(({ id }) => id));
        return [...known, ...found.filter(({ id }) => !ids.has(id))].sort((a, b) => a.id - b.id);
      });
    };
    // Nothing before these is missing. Of one's own message that is not known: others may have spoken while the line was down.
    const heard = (found) => {
      last.current = found.reduce((most, { id }) => Math.max(most, Number(id)), last.current);
      add(found);
    };
    // Whatever got no answer says that the line is bad, and the socket may not know: a new one is tried.
    send.current = async () => {
      const { kept, refused } = await outbox.current.flush();
      add(kept);
      setRefused((before) => [...before, ...refused]);
      if (outbox.current.waiting.length > 0) later();
    };
    const catchUp = async () => {
      await send.current();
      heard((await ask(`${path}?after=${last.current}`)).messages);
      caughtUp = true;
    };
    const later = () => {
      if (over) return;
      setLine("waiting for the line");
      clearTimeout(timer);
      timer = setTimeout(connect, waitBefore(attempt++, Math.random()));
    };
    const leave = () => {
      clearTimeout(timer);
      if (!socket) return;
      socket.onopen = socket.onmessage = socket.onclose = null; // on a dead line it is a minute until it is closed
      socket.close();
    };
    const connect = () => {
      leave();
      timer = setTimeout(later, REQUEST_MS);
      caughtUp = false;
      socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/rooms/${room}/socket`);
      socket.onopen = () => {
        clearTimeout(timer);
        attempt = 0;
        setLine("connected");
        catchUp().catch(later);
      };
      socket.onmessage = ({ data }) => {
        const said = JSON.parse(data);
        if (said.type === "message") (caughtUp ? heard : add)([said.message]);
      };
      socket.onclose = later;
    };
    outbox.current = new Outbox(localStorage, (message) =>
      ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message) }),
    );
    setWaiting(outbox.current.waiting);
    connect();
    window.addEventListener("online", connect);
    return () => {
      over = true;
      leave();
      window.removeEventListener("online", connect);
    };
  }, [room]);

  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const { author, text } = Object.fromEntries(new FormData(form));
    if (!text.trim()) return;
    outbox.current.add({ author, text, key: crypto.randomUUID() });
    form.elements.text.value = "";
    setWaiting(outbox.current.waiting);
    await send.current();
  };

  return (
    <main>
      <header>
        <h1>{room}</h1>
        <small role="status">{line}</small>
      </header>
      <ol>
        {messages.map(({ id, author, text }) => (
          <li key={id}>
            <b>{author}</b>
            {text}
          </li>
        ))}
        {waiting.map(({ key, author, text }) => (
          <li key={key} data-waiting="">
            <b>{author}</b>
            {text}
          </li>
        ))}
      </ol>
      {refused.map(({ key, text }) => (
        <p key={key} role="alert">
          Not taken: {text}
        </p>
      ))}
      <form onSubmit={submit}>
        <input name="author" aria-label="Your name" placeholder="Name" required maxLength={64} size={8} />
        <input name="text" aria-label="Message" placeholder="Message" required maxLength={4000} autoComplete="off" />
        <button>Send</button>
      </form>
      <small>release {release}</small>
    </main>
  );
}
