/* The widgets of label types: each is a script in the folder of its type, and the page names the types. */

const NAMES = document.body.dataset.labelTypes.split(" ");
const WIDGETS = new Map(await Promise.all(NAMES.map(
  async (name) => [name, await import(`/static/label_types/${name}/widget.js`)],
)));

/** Return the script of an assignment's label type. One that this browser kept from an earlier version has no type. */
export function widgetOf({ label_type: name, samples }) {
  return WIDGETS.get(name ?? (samples.length === 2 ? "pairs" : "best_of_k"));
}
