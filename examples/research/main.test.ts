import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createTroupe } from 'troupe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SearchIndex, verifyCitation } from './documents/index.ts'
import { type Folder, makeFolder, question } from './fixtures/make-folder.ts'
import { citationsIn, withoutAccount } from './fixtures/read-report.ts'
import { bound, type Ended, mainFile, reportOf, runMain, startMain } from './fixtures/start-main.ts'
import { Twin } from './team/shapes.ts'

let folder: Folder
let first: Ended
let report: string
const run = (...args: string[]) => runMain(args, { cwd: folder.root })

beforeAll(async () => {
  folder = makeFolder()
  first = await run(question, '--docs', 'docs')
  report = existsSync(reportOf(first)) ? readFileSync(reportOf(first), 'utf8') : ''
})
afterAll(() => folder[Symbol.dispose]())

describe('a research project', () => {
  it('A research project ends with the path of a report.', () => {
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(reportOf(first)).toMatch(/[/\\]reports[/\\].+\.md$/)
    expect(report).not.toBe('')
  })

  it('A research project shows one line per event.', () => {
    const lines = first.stdout.split('\n')
    for (const agent of ['Coordinator', 'Planner', 'Researcher', 'Analyst', 'Writer', 'Reviewer'])
      expect(lines.filter((line) => line.includes(`step.completed ${agent} `)).length).toBeGreaterThan(0)
    expect(lines.filter((line) => line.includes('step.started Researcher ')).length).toBeGreaterThan(2)
  })

  it('A report names its author model at its head, and the account of its run at its end.', () => {
    expect(report.slice(0, 600)).toMatch(/offline extractive model.*not a language model/s)
    expect(report.slice(-600)).toMatch(
      /\| Run \| .+\| Steps \| \d+ \|.+\| Time \| [\d.]+ s \|.+\| Cost \| \$0\.0000 \|/s,
    )
  })

  it('A report cites passages that are at the cited lines.', async () => {
    const index = await SearchIndex.open({ folders: [folder.docs] }, { base: folder.root })
    const citations = citationsIn(report)
    expect(citations.length).toBeGreaterThan(6)
    for (const citation of citations) expect(await verifyCitation(index, citation)).toMatchObject({ ok: true })
    expect(report.match(/> “/g)).toHaveLength(citations.length)
    const kinds = new Set(citations.map(({ file }) => file.split('.').at(-1)))
    expect([...kinds].sort()).toEqual(['html', 'md', 'ts', 'txt'])
  })

  it('A report repeats no passage in its details.', () => {
    const [, sections = ''] = (report.split('## Contradictions')[0] ?? '').split(/^## (?=1\.)/m)
    const citedQuotes = citationsIn(sections).map(({ file, quote }) => `${file} ${quote}`)
    expect(new Set(citedQuotes).size).toBe(citedQuotes.length)
  })

  it('A report has a JSON file with the same citations beside it.', () => {
    const twin = Twin.parse(JSON.parse(readFileSync(reportOf(first).replace(/md$/, 'json'), 'utf8')))
    expect(twin.question).toBe(question)
    for (const { found, citations } of twin.answers) expect(citations.length > 0).toBe(found)
    const cited = twin.answers.flatMap(({ citations }) => citations.map(({ file, from }) => `${file}:${from}`))
    for (const { file, line } of citationsIn(report.split('## Contradictions')[0] ?? ''))
      expect(cited).toContain(`${file}:${line}`)
    expect(twin.skipped.map(({ path }) => path)).toContain('docs/logo.png')
  })

  it('A report is printed as JSON and nothing else with --json.', async () => {
    const asked = await run('How is the kettle descaled?', '--docs', 'docs', '--data', 'json', '--json')
    expect(Twin.parse(JSON.parse(asked.stdout)).answers[0]?.citations[0]).toMatchObject({
      file: 'docs/notes.txt',
      from: 3,
      to: 4,
    })
  })

  it('A report names contradictions, and skipped files with their reasons.', () => {
    expect(report).toMatch(/## Contradictions.+One says (?:10, the other 20|20, the other 10)/s)
    expect(report).toMatch(/`docs\/logo\.png`: an image/)
    expect(report).toMatch(/`docs\/huge\.txt`: .*8 MB/)
  })

  it('A report names the parts of the question without an answer.', async () => {
    const asked = await run('What is the price of coffee in Vienna?', '--docs', 'docs', '--data', 'other')
    expect(asked.code).toBe(0)
    expect(readFileSync(reportOf(asked), 'utf8')).toMatch(/Nothing was found by words\. 2 files were not read/)
  })

  it('A report is the same for the same documents and question.', async () => {
    const rerun = await run(question, '--docs', 'docs', '--data', 'again')
    expect(reportOf(rerun)).not.toBe(reportOf(first))
    expect(withoutAccount(readFileSync(reportOf(rerun), 'utf8'))).toBe(withoutAccount(report))
  })

  it('A report that was deleted is written again from the journal.', async () => {
    rmSync(reportOf(first))
    const rerun = await run('--resume')
    expect(rerun).toMatchObject({ code: 0, stderr: '' })
    expect(reportOf(rerun)).toBe(reportOf(first))
    expect(readFileSync(reportOf(rerun), 'utf8')).toBe(report)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('A research project says how to resume when %s interrupts it.', async (signal, expected) => {
    const data = `stopped-${signal}`
    const started = startMain([question, '--docs', 'docs', '--data', data], {
      cwd: folder.root,
      // Once: a second signal ends the process at once.
      onLine: (line, child) => line.includes('branch.started Researcher') && !child.killed && child.kill(signal),
    })
    const { code, stderr } = await started.ended
    expect(code).toBe(expected)
    const [, printed = ''] = /npm start -- (--resume .+)/.exec(stderr) ?? []
    const resumed = await run(...printed.split(' '))
    expect(resumed).toMatchObject({ code: 0, stderr: '' })
    expect(withoutAccount(readFileSync(reportOf(resumed), 'utf8'))).toBe(withoutAccount(report))
  })
})

describe('bad input', () => {
  const cases: [string, readonly string[], RegExp, (() => void)?][] = [
    ['a folder that is missing', ['Why?', '--docs', 'nowhere'], /nowhere does not exist/],
    ['a file in place of a folder', ['Why?', '--docs', 'docs/guide.md'], /is a file, not a folder/],
    ['an empty folder', ['Why?', '--docs', 'empty'], /empty is empty/, () => mkdirSync(join(folder.root, 'empty'))],
    [
      'a folder of which nothing can be read',
      ['Why?', '--docs', 'binary'],
      /holds no document that can be read/,
      () => {
        mkdirSync(join(folder.root, 'binary'))
        writeFileSync(join(folder.root, 'binary', 'a.bin'), Uint8Array.from([0, 1, 2, 0]))
      },
    ],
    ['an empty question', ['  ', '--docs', 'docs'], /question is empty/],
    ['a question of marks alone', ['?!', '--docs', 'docs'], /question is empty/],
    ['an unknown provider', ['Why tea?', '--docs', 'docs', '--model', 'nobody/x'], /no model nobody\/x/],
    ['a model without a provider', ['Why tea?', '--docs', 'docs', '--model', 'x'], /no model x/],
    ['a missing key', ['Why tea?', '--docs', 'docs', '--model', 'anthropic/x'], /ANTHROPIC_API_KEY|@ai-sdk\/anthropic/],
    ['a URL without a model', ['Why tea?', '--docs', 'docs', '--model', 'http://localhost:1/v1'], /names no model/],
    ['nothing to resume', ['--resume', '--data', 'fresh'], /nothing to resume/],
    ['a run that does not exist', ['--resume', 'no-such-run', '--data', 'fresh'], /no-such-run/],
    ['an unknown option', ['--doc', 'docs'], /--doc/],
    ['two questions', ['Why?', 'How?'], /argument/],
    ['a file in place of the data folder', ['Why tea?', '--docs', 'docs', '--data', 'docs/guide.md'], /database/],
    [
      'a file in place of the reports folder',
      ['How is the kettle descaled?', '--docs', 'docs', '--data', 'd2', '--reports', 'docs/guide.md'],
      /report cannot be written.* Correct that, then: npm start -- --resume \S+ --data d2$/m,
    ],
    [
      'a database that is none',
      ['Why tea?', '--docs', 'docs', '--data', 'foreign'],
      /not a Troupe database/,
      () => {
        mkdirSync(join(folder.root, 'foreign'))
        writeFileSync(join(folder.root, 'foreign', 'research.db'), 'This is my diary. '.repeat(500))
      },
    ],
    [
      "another program's database",
      ['Why tea?', '--docs', 'docs', '--data', 'theirs'],
      /not a Troupe database/,
      () => {
        mkdirSync(join(folder.root, 'theirs'))
        const other = new DatabaseSync(join(folder.root, 'theirs', 'research.db'))
        other.exec('create table recipes (name text); insert into recipes values (1)')
        other.close()
      },
    ],
  ]
  if (process.platform === 'linux')
    cases.push(['a data folder that cannot be made', ['Why?', '--docs', 'docs', '--data', '/proc/x'], /\/proc\/x/])

  it.each(cases)('An invocation with %s ends with one sentence and exit code 2.', async (_, args, message, prepare) => {
    prepare?.()
    const ended = await run(...args)
    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(2)
    expect(ended.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
    expect(ended.stderr).not.toMatch(/\n\s+at |\.ts:\d/)
  })

  it('A question of 1 MB ends with exit code 2.', async () => {
    // A command line cannot carry it on every system: what the shell refuses is refused too.
    const { projectOf } = await import('./project.ts')
    expect(() => projectOf({ question: 'why '.repeat(262_144), docs: ['.'], reports: 'reports' })).toThrow(
      /1,048,57\d characters; 4,000/,
    )
    const long = await run('why '.repeat(30_000), '--docs', 'docs')
    expect(long).toMatchObject({ code: 2, stdout: '' })
  })

  it.skipIf(!bound)('A folder that cannot be read ends with exit code 2.', async () => {
    const closed = join(folder.root, 'closed')
    mkdirSync(closed)
    chmodSync(closed, 0)
    const open = join(folder.root, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    chmodSync(folder.root, 0o755)
    const ended = await runMain(['Why tea?', '--docs', 'closed', '--data', 'open'], { cwd: folder.root, ...bound })
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/closed cannot be read/) })
  })

  it.skipIf(!bound)('A database that cannot be written ends with exit code 2 and is not changed.', async () => {
    const data = join(folder.root, 'locked')
    expect((await run('How is the kettle descaled?', '--docs', 'docs', '--data', 'locked')).code).toBe(0)
    const before = readFileSync(join(data, 'research.db'))
    for (const name of readdirSync(data)) chmodSync(join(data, name), 0o444)
    chmodSync(data, 0o555)
    chmodSync(folder.root, 0o755)
    const ended = await runMain(['Why tea?', '--docs', 'docs', '--data', 'locked'], { cwd: folder.root, ...bound })
    chmodSync(data, 0o755)
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot be written/) })
    expect(readFileSync(join(data, 'research.db')).equals(before)).toBe(true)
  })

  it('A database of a newer release ends with exit code 2 and is not changed.', async () => {
    const path = join(folder.root, 'newer', 'research.db')
    expect((await run('How is the kettle descaled?', '--docs', 'docs', '--data', 'newer')).code).toBe(0)
    const db = new DatabaseSync(path)
    db.exec("insert into storage_schema select module, 999, 'from the future', 999, at from storage_schema limit 1")
    db.close()
    const before = readFileSync(path)
    const ended = await run('Why tea?', '--docs', 'docs', '--data', 'newer')
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/newer Troupe/) })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('A database that is damaged is named and not changed.', async () => {
    const path = join(folder.root, 'broken', 'research.db')
    expect((await run('How is the kettle descaled?', '--docs', 'docs', '--data', 'broken')).code).toBe(0)
    const bytes = readFileSync(path)
    bytes.fill(0xff, 4096, Math.min(bytes.length, 40_960))
    for (const name of readdirSync(join(folder.root, 'broken')))
      if (name !== 'research.db') rmSync(join(folder.root, 'broken', name))
    writeFileSync(path, bytes)
    const ended = await run('How is the kettle descaled?', '--docs', 'docs', '--data', 'broken')
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/damaged|not a Troupe database/) })
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  it('A database that another process owns is named with its owner.', async () => {
    mkdirSync(join(folder.root, 'owned'))
    await using _ = await createTroupe({ storage: `sqlite:${join(folder.root, 'owned', 'research.db')}` })
    const ended = await run('Why tea?', '--docs', 'docs', '--data', 'owned')
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(`process ${process.pid}`) })
  })

  it('A limit on the size of files ends with exit code 2.', () => {
    const line = `trap "" XFSZ; ulimit -f 100; exec "${process.execPath}" "${mainFile}" "${question}" --docs docs --data limited`
    const limited = spawnSync('bash', ['-c', line], { cwd: folder.root, encoding: 'utf8' })
    expect(limited.stderr).toMatch(/limited\/research\.db/)
    expect(limited.status).toBe(2)
  })

  const small = mkdtempSync(join(tmpdir(), 'small-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]).status === 0
  afterAll(() => {
    if (mounted) spawnSync('umount', [small])
    rmSync(small, { recursive: true, force: true })
  })

  // Only who may mount a small disk can fill one.
  it.skipIf(!mounted)(
    'A disk that fills up ends with exit code 2, and the run resumes when there is space.',
    async () => {
      const ballast = join(small, 'ballast')
      const ended = await startMain([question, '--docs', 'docs', '--data', small], {
        cwd: folder.root,
        onLine: (line) => line.includes('step.completed Planner') && fillUp(ballast),
      }).ended
      expect(ended.stderr).toMatch(/The disk .* is full; .* npm start -- --resume \S+/)
      expect(ended.code).toBe(2)
      rmSync(ballast)
      const resumed = await run('--resume', '--data', small)
      expect(resumed).toMatchObject({ code: 0, stderr: '' })
      expect(withoutAccount(readFileSync(reportOf(resumed), 'utf8'))).toBe(withoutAccount(report))
    },
  )
})

/** Takes all the space that is left. */
function fillUp(path: string): void {
  for (let size = 1 << 20; size >= 512; size /= 2)
    try {
      for (;;) appendFileSync(path, Buffer.alloc(size))
    } catch {
      // A smaller piece may still fit.
    }
}
