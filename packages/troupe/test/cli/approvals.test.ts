/** What waits for a person, listed and decided by the program. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ended, Folder, untilPrinted } from './cli-process.ts'

it('The command line lists what waits for a person, resolves an effect, answers a question and cancels there.', async () => {
  using folder = new Folder()
  copyFileSync(join(import.meta.dirname, 'team.config.ts'), join(folder.path, 'troupe.config.ts'))
  const child = folder.spawn(['run', 'Doubtful', 'x', '--id', 'waits'])
  await untilPrinted(child, /The letter goes out/)
  child.kill('SIGKILL')
  await ended(child)
  expect((await folder.run(['runs', 'resume', 'waits'])).code).toBe(6)
  expect((await folder.run(['run', 'Signer', 'x', '--id', 'signs'])).code).toBe(6)
  const list = () =>
    folder.json<{ id: string; effect?: { step: string; call: string }; question?: { id: string } }[]>([
      'approvals',
      'list',
    ])
  const found = await list()
  const [effect, question] = ['run:waits', 'run:signs'].map((id) => found.find((item) => item.id === id))
  const resolve = ['approvals', 'resolve', 'run:waits', effect?.effect?.step ?? '', effect?.effect?.call ?? '']
  expect(await folder.run(resolve)).toMatchObject({ code: 2, error: expect.stringContaining('--happened') })
  const resolved = await folder.run([...resolve, '--happened', '--output', '"sent at last"'])
  expect(resolved).toMatchObject({ code: 0, out: expect.stringContaining('sent at last') })
  const answer = ['approvals', 'answer', 'run:signs', question?.question?.id ?? '', 'yes']
  expect((await folder.run(answer)).code).toBe(0)
  expect((await folder.run(['run', 'Signer', 'x', '--id', 'leaves'])).code).toBe(6)
  expect(await folder.json(['approvals', 'cancel', 'run:leaves'])).toEqual({ cancelled: true })
  const nothing = await folder.run(['approvals', 'cancel', 'session:none/Signer'])
  expect(nothing).toMatchObject({ code: 0, out: expect.stringContaining('It has no open call.') })
  const left = (await list()).filter(({ id }) => ['run:waits', 'run:signs', 'run:leaves'].includes(id))
  expect(left).toEqual([])
})
