// Dialogs: focus stays inside, Escape closes, and it goes back to where it was.
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { html } from "arena/html";

export function Dialog({ title, close, children, locked = false }) {
  const own = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const element = own.current;
    element.showModal();
    focusFirst(element);
    // Closed before it is taken away: the browser gives the focus back to where it was.
    return () => element.close();
  }, []);
  const cancelled = (event) => {
    event.preventDefault();
    if (!locked) close();
  };
  // Browsers close a dialog that is told to close twice, whatever it says.
  const closed = () => {
    if (!own.current?.isConnected) return;
    if (locked) own.current.showModal();
    else close();
  };
  return html`
    <dialog ref=${own} aria-labelledby=${id} closedby=${locked ? "none" : "closerequest"} onCancel=${cancelled}
      onClose=${closed} onKeyDown=${(event) => around(event, own.current)}>
      <header>
        <h2 id=${id}>${title}</h2>
        ${!locked && html`<button class="quiet icon" aria-label="Close" onClick=${close}>✕</button>`}
      </header>
      ${children}
    </dialog>
  `;
}

// Where somebody begins: the element marked so.
export function focusFirst(element) {
  element.querySelector("[data-first]")?.focus();
}

// As a `ref`: whatever comes into a dialog that is open already.
export const focused = (element) => element?.focus();

// Tab goes round within the dialog, and not to the browser's own controls.
function around(event, dialog) {
  if (event.key !== "Tab") return;
  const stops = [...dialog.querySelectorAll("button, input, select, textarea, a[href], [tabindex='0']")].filter(
    (element) => !element.disabled && element.offsetParent !== null,
  );
  const [first, last] = [stops[0], stops.at(-1)];
  const leaving = event.shiftKey ? first : last;
  if (document.activeElement !== leaving) return;
  event.preventDefault();
  (event.shiftKey ? last : first).focus();
}

// An input with its label, a hint, and what the API says is wrong with it.
export function Field({ label, name, hint, error, ...input }) {
  const id = useId();
  const wrong = error?.details?.[name];
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} name=${name} ...${input} aria-describedby=${hint || wrong ? `${id}-hint` : undefined}
        aria-invalid=${wrong ? "true" : undefined} />
      ${(hint || wrong) && html`<small id="${id}-hint" class=${wrong ? "wrong" : ""}>
        ${wrong ? `not accepted: ${wrong}` : hint}
      </small>`}
    </div>
  `;
}

// What a form holds, by name.
export function fieldsOf(form) {
  return Object.fromEntries(new FormData(form));
}
