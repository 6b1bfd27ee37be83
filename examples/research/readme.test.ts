/** The transcript of the README and the report that it quotes, made by the commands that stand there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, reportOf, runMain } from './fixtures/start-main.ts'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const [, transcript = ''] = /```text\n(\$ npm start[\s\S]*?)```/.exec(readme) ?? []
const [killed = [], resumed = []] = transcript
  .split(/^\$ npm start -- /m)
  .flatMap((part) => (part === '' ? [] : [part.trimEnd().split('\n')]))

/** The words of a command line, as a shell reads those of the README. */
const wordsOf = (line = '') => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
const runOf = (text: string) => / run (\w{26})/.exec(text)?.[1] ?? ''
/** What differs from run to run: times, counts and ids. */
const plain = (line: string) =>
  line
    .replace(/\w{26}|\d+(\.\d+)?/g, '#')
    .replaceAll(/\b(step|call)s\b/g, '$1')
    .replaceAll(/ +/g, ' ')

describe('the transcript of the README', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-readme-'))
  const folders = ['--data', join(folder, 'data'), '--reports', join(folder, 'reports')]
  let first: Ended
  let second: Ended
  beforeAll(async () => {
    first = await runMain([...wordsOf(killed[0]), ...folders], { cwd: root })
    const [option = '', run = ''] = wordsOf(resumed[0])
    expect(run).toBe(runOf(killed.join('\n')))
    second = await runMain([option, runOf(first.stdout), ...folders], { cwd: root })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each([
    ['The run that kills its own process', () => first, killed],
    ['The run that another process finishes', () => second, resumed.slice(0, -1)],
  ])('%s prints the lines of the README in their order.', (_, ended, [, ...lines]) => {
    const printed = ended()
      .stdout.replaceAll(/ --data \S+/g, '')
      .split('\n')
      .map(plain)
    let from = 0
    for (const line of lines.map(plain)) {
      expect(printed.slice(from)).toContain(line)
      from = printed.indexOf(line, from) + 1
    }
  })

  it('The process is ended by SIGKILL, and the other one repeats no finished step.', () => {
    expect(first).toMatchObject({ signal: 'SIGKILL', stderr: '' })
    expect(second).toMatchObject({ code: 0, stderr: '' })
    const finished = (text: string): readonly string[] => text.match(/step\.completed \w+ \[\S+\]/g) ?? []
    expect(finished(first.stdout).length).toBeGreaterThan(3)
    expect(finished(second.stdout).filter((step) => finished(first.stdout).includes(step))).toEqual([])
  })

  it('The report begins with the answer that the README quotes.', () => {
    const [, quotation = ''] = /^The report begins with the best passage[^\n]*\n\n((?:>.*\n)+)/m.exec(readme) ?? []
    const report = readFileSync(reportOf(second), 'utf8').replaceAll(`${root}/`, '')
    // The README sets question and passage in one quotation.
    const [question, passage] = quotation.replaceAll(/^> ?/gm, '').split('\n\n')
    const quoted = passage?.trimEnd().replaceAll(/^/gm, '> ')
    expect(report).toContain(`## Short answer\n\n${question}\n\n${quoted}\n`)
    expect(reportOf(second)).toContain((resumed.at(-1) ?? '').replace(/^reports\/|-\w{26}\.md$/g, ''))
  })
})
