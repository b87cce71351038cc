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
  const flushed = useRef(null);

  useEffect(() => {
    const path = `/rooms/${room}/messages`;
    let socket, timer;
    let attempt = 0;
    let over = false;
    const add = (found) => {
      last.current = found.reduce((most, { id }) => Math.max(most, Number(id)), last.current);
      setMessages((known) => {
        const ids = new Set(known.map(({ id }) => id));
        return [...known, ...found.filter(({ id }) => !ids.has(id))].sort((a, b) => a.id - b.id);
      });
    };
    flushed.current = ({ kept, refused }) => {
      add(kept);
      setRefused((before) => [...before, ...refused]);
      setWaiting(outbox.current.waiting);
    };
    const catchUp = async () => {
      flushed.current(await outbox.current.flush());
      add((await ask(`${path}?after=${last.current}`)).messages);
    };
    const later = () => {
      if (over) return;
      setLine("waiting for the line");
      clearTimeout(timer);
      timer = setTimeout(connect, waitBefore(attempt++, Math.random()));
    };
    const connect = () => {
      clearTimeout(timer);
      socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/rooms/${room}/socket`);
      socket.onopen = () => {
        attempt = 0;
        setLine("connected");
        catchUp().catch(() => socket.close());
      };
      socket.onmessage = ({ data }) => {
        const said = JSON.parse(data);
        if (said.type === "message") add([said.message]);
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
      clearTimeout(timer);
      window.removeEventListener("online", connect);
      socket.close();
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
    flushed.current(await outbox.current.flush());
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
