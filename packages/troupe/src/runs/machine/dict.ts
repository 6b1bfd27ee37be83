/** Maps from names to values, as plain data. */

/** Keys are names that users chose: none may be taken for a property that every object has. */
export const dict = <T extends object>(): T => Object.create(null) as T

const shared: object = Object.freeze(dict())

/** A map that nothing was put into yet is one for all records: most of them never need one of their own. */
export const emptyDict = <T extends object>(): T => shared as T

/** The map of a record, its own from now on. */
export function ownDict<K extends PropertyKey, R extends { [key in K]: object }>(record: R, key: K): R[K] {
  if (record[key] === shared) record[key] = dict<R[K]>()
  return record[key]
}

/** One key is counted more or less often; a key that is not there yet counts 0. */
export function addTo<K extends PropertyKey>(counts: { [key in K]: number }, key: K, by: number): void {
  counts[key] = (counts[key] ?? 0) + by
}
