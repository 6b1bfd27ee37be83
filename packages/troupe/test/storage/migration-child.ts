/**
 * Opens a file with the migrations of all rooms, and dies just before its n-th statement where it is told to.
 *
 * node migration-child.ts DATABASE RELEASE [STATEMENT]; says how many statements there were
 */
import { DatabaseSync } from 'node:sqlite'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { migrations } from '../../src/operations/index.ts'
import { openStorage } from '../../src/storage/index.ts'
import { migrationsOf } from '../postgres/releases.ts'

const [database = '', release = '1', dieAt = '0'] = process.argv.slice(2)
let count = 0
const executing = DatabaseSync.prototype.exec
DatabaseSync.prototype.exec = function exec(sql: string) {
  if (++count === Number(dieAt)) process.kill(process.pid, 'SIGKILL')
  executing.call(this, sql)
}
const storage = await openStorage({
  url: `sqlite:${database}`,
  migrations: [...migrations, ...migrationsOf(Number(release))],
  clock: systemClock,
  random: systemRandom,
})
process.stdout.write(`${count}\n`)
await storage.close()
