/* The list of one's own answers, newest first. */

import { copyOf } from "./elements.js";
import { widgetOf } from "./label_types.js";
import { say } from "./strings.js";
import { excerpt } from "./text.js";

const ANSWERS = { tie: "own.tie", all_bad: "own.all_bad", skip: "own.skip", flag: "own.flag" };
const STRENGTHS = { slightly: "why.slightly", clearly: "why.clearly" };

/** Return list items for answers; `onEdit` is called with the one to change. */
export function ownItems(answers, onEdit) {
  return answers.map((own) => {
    const item = copyOf("own-template");
    const place = own.samples.findIndex((sample) => sample.id === own.chosen);
    const answer = item.querySelector(".own-answer");
    answer.textContent = own.answer === "best" ? widgetOf(own).summary(own, own.samples) + why(own.details) : say(ANSWERS[own.answer]);
    item.querySelector(".own-prompt").replaceChildren(excerpt(own.prompt));
    const chosen = item.querySelector(".own-chosen");
    chosen.hidden = place < 0 && !own.note;
    chosen.replaceChildren(excerpt(place >= 0 ? own.samples[place].text : own.note));
    const edit = item.querySelector(".own-edit");
    edit.hidden = !own.can_edit;
    edit.addEventListener("click", () => onEdit(own));
    return item;
  });
}

/** What an answer says of strength and reasons: `, slightly (shorter; polite)`. */
function why({ strength, reasons = [] }) {
  return (strength ? `, ${say(STRENGTHS[strength] ?? strength)}` : "") + (reasons.length ? ` (${reasons.join("; ")})` : "");
}
