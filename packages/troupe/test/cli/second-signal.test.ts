/** A server that is ended twice. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ended, Folder, untilPrinted } from './cli-process.ts'

it('The server ends at once with 143 at a second SIGTERM.', async () => {
  using folder = new Folder()
  copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(folder.path, 'troupe.config.ts'))
  const server = folder.spawn(['serve', '--port', '0'])
  const atWork = untilPrinted(server, /The letter goes out/)
  await untilPrinted(server, /Serving/)
  await folder.run(['run', 'Doubtful', 'x', '--id', 'hasty', '--detach'])
  await atWork
  const draining = untilPrinted(server, /Stopping/)
  server.kill('SIGTERM')
  await draining
  server.kill('SIGTERM')
  expect((await ended(server)).code).toBe(143)
})
