/** Values that a command reads from standard input, as at the end of a pipe. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { ended, Folder, untilPrinted } from './cli-process.ts'

describe('standard input', () => {
  const folder = new Folder()
  afterAll(() => folder[Symbol.dispose]())
  // The command reads the configuration, and then its task.
  writeFileSync(
    join(folder.path, 'troupe.config.ts'),
    `import { defineAgent } from 'troupe'
     process.stderr.write('Loaded.\\n')
     export default { agents: [defineAgent({ name: 'Length', run: (task: unknown) => String(task).length })] }`,
  )

  it('A command reads all of a value that arrives slowly and exceeds the buffer of a pipe.', async () => {
    const child = folder.spawn(['run', 'Length', '-', '--storage', 'memory:'])
    const end = ended(child)
    await untilPrinted(child, /Loaded/)
    await setTimeout(500)
    child.stdin.write('x')
    await setTimeout(100)
    child.stdin.end('x'.repeat(200_000))
    expect(await end).toMatchObject({ code: 0, out: expect.stringContaining('200001') })
  })

  it('Ctrl-C ends a command that waits for standard input, and no database is created.', async () => {
    const child = folder.spawn(['run', 'Length', '-'])
    const end = ended(child)
    await untilPrinted(child, /Loaded/)
    await setTimeout(500)
    child.kill('SIGINT')
    expect(await end).toEqual({ code: 130, out: '', error: 'Loaded.\n' })
    expect(await folder.run(['context', 'list'])).toMatchObject({ code: 4 })
  })
})
