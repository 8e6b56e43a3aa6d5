/* The lines of a board as they are now: a snapshot, kept up by updates. */

export class Board {
  revision = null;
  counts = null;
  #lines = new Map();

  /** False when an update is missing before this one: then it must be asked for anew. */
  apply({ revision, snapshot, standings, removed, counts }) {
    if (snapshot) this.#lines.clear();
    else if (this.revision === null || revision !== this.revision + 1) return false;
    for (const id of removed) this.#lines.delete(id);
    for (const line of standings) this.#lines.set(line.key, line);
    this.revision = revision;
    this.counts = counts;
    return true;
  }

  get lines() {
    return [...this.#lines.values()].sort((one, other) => one.place - other.place);
  }
}
