/**
 * Every write to a run's state goes through its ledger, which can take back what was written since it was opened: so
 * `decide` may apply the events it is deciding, see what follows from them, and leave the state as it was. Taking back
 * keeps values, not the order of Maps: nothing may depend on the order in which a Map is iterated where keys are dropped.
 */
type UndoEntry =
  | { readonly how: 'set'; readonly object: object; readonly key: PropertyKey; readonly old: unknown }
  | { readonly how: 'unset'; readonly object: object; readonly key: PropertyKey }
  | { readonly how: 'put'; readonly map: Map<unknown, unknown>; readonly key: unknown; readonly old: unknown }
  | { readonly how: 'drop'; readonly map: Map<unknown, unknown>; readonly key: unknown }
  | { readonly how: 'pop'; readonly array: unknown[] }

export class Ledger {
  private undoLog: UndoEntry[] | undefined

  /** From here on writes are kept track of, until `rollback`. */
  open(): void {
    this.undoLog = []
  }

  rollback(): void {
    const undoLog = this.undoLog as UndoEntry[]
    this.undoLog = undefined
    for (let i = undoLog.length - 1; i >= 0; i--) revert(undoLog[i] as UndoEntry)
  }

  set<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
    const old = object[key]
    if (this.undoLog)
      this.undoLog.push(
        old !== undefined || key in object ? { how: 'set', object, key, old } : { how: 'unset', object, key },
      )
    object[key] = value
  }

  add<K extends string, T extends { [key in K]: number }>(object: T, key: K, by: number): void {
    this.set(object, key, ((object[key] ?? 0) + by) as T[K])
  }

  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.undoLog?.push(map.has(key) ? { how: 'put', map, key, old: map.get(key) } : { how: 'drop', map, key })
    map.set(key, value)
  }

  drop<K, V>(map: Map<K, V>, key: K): void {
    if (!map.has(key)) return
    this.undoLog?.push({ how: 'put', map, key, old: map.get(key) })
    map.delete(key)
  }

  push<T>(array: T[], value: T): void {
    this.undoLog?.push({ how: 'pop', array })
    array.push(value)
  }
}

function revert(entry: UndoEntry): void {
  switch (entry.how) {
    case 'set':
      Reflect.set(entry.object, entry.key, entry.old)
      return
    case 'unset':
      Reflect.deleteProperty(entry.object, entry.key)
      return
    case 'put':
      entry.map.set(entry.key, entry.old)
      return
    case 'drop':
      entry.map.delete(entry.key)
      return
    case 'pop':
      entry.array.pop()
  }
}
