/** A server whose output has no reader any more. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Folder, untilPrinted } from './cli-process.ts'

it('A server drains although the reader of its standard output has closed the pipe.', async () => {
  using folder = new Folder()
  const agent = `defineAgent({ name: 'Brief', run: async () => {
    console.error('Begun.')
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    console.error('Finished.')
  } })`
  writeFileSync(
    join(folder.path, 'troupe.config.ts'),
    `import { defineAgent } from 'troupe'\nexport default { log: 'silent', agents: [${agent}] }`,
  )
  const server = folder.spawn(['serve', '--port', '0'])
  const begun = untilPrinted(server, /Begun/)
  await untilPrinted(server, /Serving/)
  await folder.run(['run', 'Brief', 'x', '--detach'])
  await begun
  server.stdout.destroy()
  const finished = untilPrinted(server, /Finished/)
  server.kill('SIGTERM')
  await finished
  expect(await once(server, 'close')).toEqual([0, null])
})
