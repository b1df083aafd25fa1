// Follows what the server sends, and says whether the connection stands.

/**
 * Call onMessage(content) for every message of the stream at url, and onState("open" | "lost") when the connection changes.
 *
 * A browser allows six connections to one server, so a page that nobody looks at gives its own back and asks for what it has
 * missed when it is shown again: the server is told the last id as ?after=ID, and by Last-Event-ID. parse makes the content of a
 * message's text. Return a function that ends it.
 */
export function follow(url, onMessage, onState = () => {}, parse = JSON.parse) {
  let source = null, last = "", ended = false, hidden = 0;
  function open() {
    if (source || ended) return;
    source = new EventSource(last ? `${url}${url.includes("?") ? "&" : "?"}after=${encodeURIComponent(last)}` : url);
    source.onopen = () => onState("open");
    source.onmessage = (event) => {
      last = event.lastEventId;
      onMessage(parse(event.data), last);
    };
    source.onerror = () => {
      onState("lost");
      if (source && source.readyState === EventSource.CLOSED) {  // refused: the browser does not try again by itself
        close();
        setTimeout(open, 2000);
      }
    };
  }
  function close() {
    if (source) source.close();
    source = null;
  }
  function look() {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(close, 5000);
    else open();
  }
  document.addEventListener("visibilitychange", look);
  open();
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", look);
    close();
  };
}

/** Send content as JSON and return the answer; throw an Error with the server's sentence if it refuses or cannot be reached. */
export async function post(url, content) {
  let answer;
  try {
    answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content) });
  } catch {
    throw new Error("The server cannot be reached. Is it still running?");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `The server refused (${answer.status}).`);
  return told;
}
