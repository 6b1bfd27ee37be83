/** The tutorial, carried out as its page says: its program is killed while it writes, and started twice more. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ended, environment, Folder, untilPrinted } from '../cli/cli-process.ts'
import { programsOf, repository } from './page-programs.ts'

it('The program of the tutorial prints what its page shows, before the kill and after it.', async () => {
  const page = readFileSync(join(repository, 'docs/tutorial.md'), 'utf8')
  const [program] = programsOf('docs/tutorial.md', page)
  const [before, after = ''] = [...page.matchAll(/```text\n([\s\S]*?)```/g)].map(([, text]) => text)
  const folder = new Folder()
  onTestFinished(() => folder[Symbol.dispose]())
  writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder.path, 'trip.ts'), program?.code ?? '')
  const start = () => spawn(process.execPath, ['trip.ts'], { cwd: folder.path, env: environment() })

  const killed = start()
  const first = ended(killed)
  await untilPrinted(killed, /writing/)
  killed.kill('SIGKILL')
  expect((await first).out).toBe(before)
  expect(await ended(start())).toEqual({ code: 0, out: after, error: '' })
  expect((await ended(start())).out).toBe(`${after.trim().split('\n').at(-1)}\n`)
})
