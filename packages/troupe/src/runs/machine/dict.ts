/** Maps from names to values, as plain data. */

/** Keys are chosen by users. A map without a prototype has no inherited properties. */
export const dict = <T extends object>(): T => Object.create(null) as T

const shared: object = Object.freeze(dict())

/** The empty map is shared by all records, since most never need their own. */
export const emptyDict = <T extends object>(): T => shared as T

/** Returns a map of the record's own. */
export function ownDict<K extends PropertyKey, R extends { [key in K]: object }>(record: R, key: K): R[K] {
  if (record[key] === shared) record[key] = dict<R[K]>()
  return record[key]
}

/** Changes the count of a key; a missing key counts 0. */
export function addTo<K extends PropertyKey>(counts: { [key in K]: number }, key: K, by: number): void {
  counts[key] = (counts[key] ?? 0) + by
}
