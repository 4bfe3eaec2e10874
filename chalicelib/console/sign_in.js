// The way in: an operator's e-mail address and password, or why there is none.
import { useEffect, useRef } from "preact/hooks";
import { Dialog, Field, fieldsOf, focusFirst } from "arena/dialogs";
import { html } from "arena/html";
import { Problem, useTask } from "arena/parts";
import { HOME } from "arena/region";
import { ended, operators, signIn } from "arena/session";
import { useStore } from "arena/store";

// In place of the page, for whoever comes.
export function Gate() {
  const closed = useStore(operators) === "none";
  const own = useRef(null);
  useEffect(() => focusFirst(own.current), [closed]);
  return html`
    <main class="gate" id="main" ref=${own}>
      <section class="panel" aria-labelledby="gate">
        <header><h1 id="gate">AIBA Arena <small>operators' console</small></h1></header>
        <div class="body">${closed ? html`<${NoOperators} />` : html`<${SignInForm} />`}</div>
      </section>
    </main>
  `;
}

// Above the page, for whoever's sign-in has ended: what they were doing stays as it is.
export function SignInAgain() {
  return html`<${Dialog} title="Sign in again" locked><${SignInForm} /><//>`;
}

function SignInForm() {
  const task = useTask();
  const why = useStore(ended);
  const send = (event) => {
    event.preventDefault();
    const { email, password } = fieldsOf(event.target);
    task.run(async () => {
      try {
        await signIn(HOME, email, password);
      } catch (error) {
        if (error.status === 404) operators.value = "none";
        throw error;
      }
    });
  };
  return html`
    <form onSubmit=${send}>
      ${why && html`<p class="banner warn" role="status">${why} Sign in to go on; what you see stays.</p>`}
      ${task.error && html`<${Problem} error=${refined(task.error)} title="Not signed in" />`}
      <${Field} label="E-mail address" name="email" type="email" autocomplete="username" required data-first error=${task.error} />
      <${Field} label="Password" name="password" type="password" autocomplete="current-password" required error=${task.error} />
      <footer><button disabled=${task.busy}>${task.busy ? "Signing in…" : "Sign in"}</button></footer>
    </form>
    <p class="note">Good for an hour, in this tab only. On the local cloud <code>./arena console</code> prints an address that
      signs you in.</p>
  `;
}

function refined(error) {
  return error.code === "invalid credentials" ? Object.assign(error, { message: "address or password is wrong" }) : error;
}

function NoOperators() {
  return html`
    <p><strong>No operator is configured here.</strong> So the routes of operators do not exist, and this page has nothing to
      ask.</p>
    <p>Put into the region's secret:</p>
    <dl class="facts">
      <div><dt><code>ADMIN_EMAIL</code></dt><dd>your address</dd></div>
      <div><dt><code>ADMIN_PASSWORD_HASH</code></dt><dd>what <code>./arena hash-password</code> prints</dd></div>
      <div><dt><code>ADMIN_JWT_SECRET</code></dt><dd>32 random characters or more, the same in every region</dd></div>
    </dl>
    <p class="note">See <code>docs/operators.md</code>.</p>
  `;
}
