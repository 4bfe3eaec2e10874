// A person's number of environments instead of the policy's: shown before it is set.
import { useState } from "preact/hooks";
import { Dialog, Field, fieldsOf, focused } from "arena/dialogs";
import { local, moment } from "arena/format";
import { html } from "arena/html";
import { Problem, say, useTask } from "arena/parts";
import { change } from "arena/region";

export function OverrideDialog({ region, limits, close }) {
  const [wish, setWish] = useState(null);
  const task = useTask();
  const check = (event) => {
    event.preventDefault();
    const { desired, minutes, reason } = fieldsOf(event.target);
    setWish({ desired: Number(desired), minutes: Number(minutes), reason: reason.trim() });
  };
  const send = () => task.run(async () => {
    const set = await change(region, "api/ops/scaling/override", { body: wish });
    say(`Fixed at ${set.desired} until ${local(moment(set.until))} in ${region.name}.`);
    close();
  });
  return html`
    <${Dialog} title="Override the number of environments" close=${close}>
      ${task.error && html`<${Problem} error=${task.error} title="Not done" />`}
      ${wish === null || task.error
        ? html`
          <form onSubmit=${(event) => { task.clear(); check(event); }}>
            <p>In <strong>${region.name}</strong>, from the next evaluation on, whatever the policy says. It ends by itself.</p>
            <${Field} label="Environments" name="desired" type="number" required min=${limits.min} max=${limits.max} step="1"
              inputmode="numeric" data-first defaultValue=${wish?.desired} hint="${limits.min} to ${limits.max} in this tier" error=${task.error} />
            <${Field} label="Minutes" name="minutes" type="number" required min="1" max="1440" step="1" inputmode="numeric"
              defaultValue=${wish?.minutes ?? 30} hint="1 to 1440" error=${task.error} />
            <${Field} label="Reason" name="reason" required maxlength="200" pattern=".*\\S.*" defaultValue=${wish?.reason}
              hint="Others see it with each decision" error=${task.error} />
            <footer><button type="button" class="quiet" onClick=${close}>Cancel</button><button>Next</button></footer>
          </form>`
        : html`
          <p>${region.name} will have <strong>${wish.desired} environments</strong> for
            <strong> ${wish.minutes} min</strong>, whatever its load: ${wish.reason}</p>
          <footer>
            <button type="button" class="quiet" onClick=${() => setWish(null)}>Back</button>
            <button ref=${focused} disabled=${task.busy} onClick=${send}>${task.busy ? "Setting…" : "Set override"}</button>
          </footer>`}
    <//>
  `;
}
