/** A process is killed while a run reads skills, and the skills change before another process continues the run. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { childrenOf } from './start-child.ts'

const { start, pathOf } = childrenOf('skills-child.ts')

function put(run: string, name: string, age: string): void {
  const folder = join(`${pathOf(run)}-skills`, name)
  mkdirSync(folder, { recursive: true })
  const head = `---\nname: ${name}\ndescription: ${age} description\n---\n`
  writeFileSync(join(folder, 'SKILL.md'), `${head}${age} instructions of ${name}`)
  writeFileSync(join(folder, 'unit.js'), `export const unit = '${age} unit'\n`)
}
const edit = (run: string) => {
  put(run, 'edited', 'new')
  put(run, 'added', 'new')
  rmSync(join(`${pathOf(run)}-skills`, 'removed'), { recursive: true })
}
const completed = { status: 'completed', replayed: true, sent: 4 }
const old = { listed: ['old edited', 'old removed'], instructions: 'old', unit: 'old' }

test.each([
  ['the model call after the first skill', 1, 'was removed after'],
  ['the model call after a script of the skill', 2, 'was removed after'],
  ['the model call after both skills', 3, 'old instructions of removed'],
])(
  'A run that is killed in %s continues with the skills that it has recorded, and a new run has the edited ones.',
  {
    timeout: 120_000,
  },
  (_, kill, removed) => {
    const name = `killed-${kill}`
    put(name, 'edited', 'old')
    put(name, 'removed', 'old')
    expect(start(name, kill)).toMatchObject({ signal: 'SIGKILL', output: '' })
    edit(name)
    const { signal, output, stderr } = start(name, false)
    expect([signal, stderr]).toEqual([null, ''])
    const [first, second] = JSON.parse(output)
    expect(first).toEqual({ ...completed, response: { ...old, removed } })
    expect(second).toMatchObject({
      status: 'completed',
      response: { listed: ['new added', 'new edited'], instructions: 'new', unit: 'new' },
    })
  },
)
