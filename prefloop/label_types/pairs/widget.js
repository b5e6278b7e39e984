/* Pairs on the labeling page: as best of k, but both samples show what the other lacks. */

export { Widget, help, named, summary } from "../best_of_k/widget.js";

export const marksBoth = true;
