/**
 * A process of one release: opens the database, writes and reads until its input ends, and says what happens to it.
 *
 * node release-child.ts RELEASE FIRST-NUMBER POSTGRES-OPTIONS
 */
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { openStorage } from '../../src/storage/index.ts'
import { migrationsOf, noteOf, unreadable } from './releases.ts'

const [release, first] = [Number(process.argv[2]), Number(process.argv[3])]
const print = (line: string) => process.stdout.write(`${line}\n`)
let stopped = false
process.stdin.on('end', () => {
  stopped = true
})
process.stdin.resume()
try {
  const storage = await openStorage({
    url: 'postgres:',
    postgres: JSON.parse(process.argv[4] as string),
    migrations: migrationsOf(release),
    clock: systemClock,
    random: systemRandom,
  })
  print('open')
  await Promise.all(
    ['ada', 'bob', 'eve'].map(async (user) => {
      for (let n = first; !stopped; n++) {
        const result = await storage.commit(noteOf(storage, release, user, n))
        print(result.ok ? `ack ${user} ${n}` : `error ${result.code}`)
        const wrong = await unreadable(storage, release, user)
        if (wrong.length > 0) print(`error unreadable: ${JSON.stringify(wrong[0])}`)
      }
    }),
  )
  await storage.close()
} catch (error) {
  const { code, message } = error as { readonly code?: string; readonly message: string }
  print(`error ${code} ${message}`)
  process.exit(2)
}
process.exit(0)
