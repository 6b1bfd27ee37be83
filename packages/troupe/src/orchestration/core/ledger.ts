/**
 * Every write to a run's state goes through its ledger, which can take back what was written since it was opened: so
 * `decide` may apply the events it is deciding, see what follows from them, and leave the state as it was. Taking back
 * keeps values, not the order of Maps: nothing may depend on the order in which a Map is iterated where keys are dropped.
 */
type Taken =
  | { readonly how: 'set'; readonly object: object; readonly key: PropertyKey; readonly old: unknown }
  | { readonly how: 'unset'; readonly object: object; readonly key: PropertyKey }
  | { readonly how: 'put'; readonly map: Map<unknown, unknown>; readonly key: unknown; readonly old: unknown }
  | { readonly how: 'drop'; readonly map: Map<unknown, unknown>; readonly key: unknown }
  | { readonly how: 'pop'; readonly array: unknown[] }

export class Ledger {
  private taken: Taken[] | undefined

  /** From here on writes are kept track of, until `rollback`. */
  open(): void {
    this.taken = []
  }

  rollback(): void {
    const taken = this.taken as Taken[]
    this.taken = undefined
    for (let i = taken.length - 1; i >= 0; i--) takeBack(taken[i] as Taken)
  }

  set<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
    const old = object[key]
    if (this.taken)
      this.taken.push(
        old !== undefined || key in object ? { how: 'set', object, key, old } : { how: 'unset', object, key },
      )
    object[key] = value
  }

  add<K extends string, T extends { [key in K]: number }>(object: T, key: K, by: number): void {
    this.set(object, key, ((object[key] ?? 0) + by) as T[K])
  }

  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.taken?.push(map.has(key) ? { how: 'put', map, key, old: map.get(key) } : { how: 'drop', map, key })
    map.set(key, value)
  }

  drop<K, V>(map: Map<K, V>, key: K): void {
    if (!map.has(key)) return
    this.taken?.push({ how: 'put', map, key, old: map.get(key) })
    map.delete(key)
  }

  push<T>(array: T[], value: T): void {
    this.taken?.push({ how: 'pop', array })
    array.push(value)
  }
}

function takeBack(taken: Taken): void {
  switch (taken.how) {
    case 'set':
      Reflect.set(taken.object, taken.key, taken.old)
      return
    case 'unset':
      Reflect.deleteProperty(taken.object, taken.key)
      return
    case 'put':
      taken.map.set(taken.key, taken.old)
      return
    case 'drop':
      taken.map.delete(taken.key)
      return
    case 'pop':
      taken.array.pop()
  }
}
