/** The keys that a process has. Which of them signs: the most closely scoped that may now, among equals the last named. */
import { invalidInput } from '../../core/index.ts'
import { type ReadyKey, readyKey, type SigningKey } from './signing-key.ts'

/** Keys of one ring. */
const maxKeys = 10_000

const scopeOf = ({ user, agent }: ReadyKey) => (agent === undefined ? 0 : 2) + (user === undefined ? 0 : 1)
export const covers = (key: ReadyKey, user: string, agent: string): boolean =>
  (key.user ?? user) === user && (key.agent ?? agent) === agent

export class SigningKeyRing {
  readonly #keys = new Map<string, ReadyKey>()

  /** @throws ValidationError */
  constructor(keys: readonly SigningKey[]) {
    if (!Array.isArray(keys) || keys.length === 0)
      throw invalidInput('signatures.keys', 'it must be a list of at least one key')
    for (const key of keys) this.add(key)
  }
  /** @throws ValidationError if another key has the id */
  add(key: SigningKey): ReadyKey {
    const ready = readyKey(key)
    const problem = this.#keys.has(ready.id) ? `two keys have the id ${ready.id}` : `there are more than ${maxKeys}`
    if (this.#keys.has(ready.id) || this.#keys.size >= maxKeys) throw invalidInput('signatures.keys', problem)
    this.#keys.set(ready.id, ready)
    return ready
  }
  get(id: string): ReadyKey | undefined {
    return this.#keys.get(id)
  }
  list(): readonly ReadyKey[] {
    return [...this.#keys.values()]
  }
  signer(user: string, agent: string, atMs: number, rejected: ReadonlySet<string>): ReadyKey | undefined {
    let found: ReadyKey | undefined
    for (const key of this.#keys.values()) {
      const may = key.sign && covers(key, user, agent) && key.fromMs <= atMs && atMs < key.untilMs
      if (may && !rejected.has(key.id) && (!found || scopeOf(key) >= scopeOf(found))) found = key
    }
    return found
  }
  /** Keys of the same scope stop signing when `by` starts, and still check what they signed until then. */
  retireKey(by: ReadyKey, untilMs: number, nowMs: number): void {
    for (const key of this.#keys.values())
      if (key.id !== by.id && key.user === by.user && key.agent === by.agent)
        this.#keys.set(key.id, {
          ...key,
          // Until then the ring prefers the new one by itself, from its beginning on.
          sign: by.fromMs <= nowMs ? undefined : key.sign,
          untilMs: Math.min(key.untilMs, untilMs),
        })
  }
}
