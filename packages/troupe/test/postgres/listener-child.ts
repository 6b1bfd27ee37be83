/**
 * One process of the trial of watchers: `write` pushes changes of every user, `watch` follows every user until it has seen
 * all, and says what it saw as one line of JSON.
 *
 * node listener-child.ts write|watch OPTIONS
 */
import { createTroupe, type Troupe } from 'troupe'
import type { ChildOptions, Watched } from './listener-trial.ts'

const role = process.argv[2]
const { storage, users, perUser, writers, name } = JSON.parse(process.argv[3] as string) as ChildOptions
const troupe = await createTroupe({ storage, log: 'silent' })
const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

async function write(user: string, writer: string): Promise<void> {
  const { context } = troupe.user(user).agent('Writer')
  for (let n = 0; n < perUser; n++) await context.push(`k.${n % 50}`, { writer, n, at: Date.now() })
}

/** Each change of a user is one revision: none may be missing, none come twice, none out of order. */
async function watch(opened: Troupe, user: string): Promise<Watched> {
  const lags: number[] = []
  const last = new Map<string, number>()
  let [revision, resyncs, changes, wrong] = [0, 0, 0, 0]
  const { context } = opened.user(user).agent('Watcher')
  for await (const item of context.watch({ from: 0, pattern: 'k.*' })) {
    changes++
    if (item.type === 'resync') resyncs++
    else if (item.type !== 'put' || item.revision !== revision + 1) wrong++
    revision = item.revision
    if (item.type === 'put') {
      const { writer, n, at } = item.value as { readonly writer: string; readonly n: number; readonly at: number }
      if (resyncs === 0 && n !== (last.get(writer) ?? -1) + 1) wrong++
      last.set(writer, n)
      lags.push(Date.now() - at)
    }
    if (revision >= perUser * writers) break
  }
  return { changes, resyncs, wrong, lags }
}

print({ ready: true })
if (role === 'write') await Promise.all(users.map((user) => write(user, name)))
else print(await Promise.all(users.map((user) => watch(troupe, user))))
await troupe.close()
