import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DocumentIndex } from './document-index.ts'

let root: string
let index: DocumentIndex
const open = () => DocumentIndex.open({ folders: [root] }, { base: root })

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'index-'))
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  write(
    'tea.md',
    '# Tea\n\nTea is a drink.\n\n## Caching\n\nThe pot keeps\ntea warm for an hour.\n\n## Retries\n\nBrew again, at most twice.\n',
  )
  write('page.html', '<h1>Coffee</h1>\n<p>Coffee is roasted\nbefore it is &amp; was ground.</p>\n')
  write('same/a.md', 'Identical words about walnuts.\n')
  write('same/b.md', 'Identical words about walnuts.\n')
  write('src/pool.ts', 'export const maxRetries = 3\n')
  write('deep.html', '<div>'.repeat(5_000))
  write('long.txt', Array.from({ length: 1_000 }, (_, i) => `line ${i + 1}`).join('\n'))
  index = await open()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('DocumentIndex', () => {
  it('DocumentIndex finds the passage with its lines and headings, verbatim.', async () => {
    const [hit] = await index.search('how long does the pot stay warm?')
    expect(hit).toMatchObject({ document: 'tea.md', startLine: 5, endLine: 8, heading: 'Tea › Caching' })
    expect(hit?.text).toBe('## Caching\n\nThe pot keeps\ntea warm for an hour.')
  })

  it('DocumentIndex finds other forms of a word, and names in source code.', async () => {
    const found = await index.search('retry')
    expect(found.map((hit) => hit.document).sort()).toEqual(['src/pool.ts', 'tea.md'])
  })

  it('DocumentIndex reads HTML without its markup.', async () => {
    const [hit] = await index.search('roasted coffee')
    expect(hit).toMatchObject({ document: 'page.html', startLine: 1, endLine: 3, heading: 'Coffee' })
    expect(hit?.text).toContain('before it is & was ground.')
  })

  it('DocumentIndex orders equal passages by path, and gives the same answer each time.', async () => {
    const first = await index.search('walnuts')
    expect(first.map((hit) => hit.document)).toEqual(['same/a.md', 'same/b.md'])
    expect(await (await open()).search('walnuts')).toEqual(first)
  })

  it('DocumentIndex gives the same answers wherever the folder is.', async () => {
    const answersBelow = async (above: string) => {
      const folder = join(root, '..', `${basename(root)}-moved`, above, 'drinks')
      cpSync(join(root, 'same'), folder, { recursive: true })
      writeFileSync(join(folder, 'cups.md'), 'The walnut cups are shared by all.\n')
      const moved = await DocumentIndex.open({ folders: [folder] }, { base: folder })
      const outside = await DocumentIndex.open({ folders: [folder] }, { base: root })
      const question = 'Which identical walnuts are shared?'
      return Promise.all(
        [moved, outside].map(async (one) => (await one.search(question)).map(({ text, score }) => ({ text, score }))),
      )
    }
    try {
      const [[first, second], others] = await Promise.all([answersBelow('a'), answersBelow('shared/identical/walnuts')])
      expect(first).toHaveLength(3)
      expect(second).toEqual(first)
      expect(others).toEqual([first, first])
    } finally {
      rmSync(`${root}-moved`, { recursive: true, force: true })
    }
  })

  it('DocumentIndex leaves turns to other work while it reads large documents and answers from them.', async () => {
    const folder = join(root, '..', `${basename(root)}-large`)
    mkdirSync(folder)
    try {
      const words = Array.from({ length: 20_000 }, (_, n) => `node ${n} waits ${n * 3} ms before attempt ${n % 7}`)
      writeFileSync(join(folder, 'page.html'), words.map((text, n) => `<h2>Part ${n}</h2><p>${text}</p>`).join('\n'))
      writeFileSync(join(folder, 'text.md'), words.map((text, n) => `## Part ${n}\n\n${text}`).join('\n\n'))
      let turns = 0
      let isOver = false
      const count = () => {
        turns++
        if (!isOver) setImmediate(count)
      }
      count()
      const large = await DocumentIndex.open({ folders: [folder] }, { base: folder })
      const ofOpening = turns
      expect((await large.answer('How long does node 777 wait?')).citations[0]?.quote).toContain('node 777')
      isOver = true
      // Each takes hundreds of milliseconds in slices of ten.
      expect(ofOpening).toBeGreaterThan(20)
      expect(turns - ofOpening).toBeGreaterThan(3)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('DocumentIndex tells folders apart by their names.', async () => {
    const folders = ['billing', 'shipping'].map((name) => join(root, '..', `${basename(root)}-teams`, name))
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'limits.md'), 'A request is retried three times.\n')
    }
    const index = await DocumentIndex.open({ folders }, { base: join(folders[0] ?? '', '..') })
    const [first] = await index.search('shipping: how many retries?')
    expect(first?.document).toBe('shipping/limits.md')
    rmSync(`${root}-teams`, { recursive: true, force: true })
  })

  it('DocumentIndex returns no more than the limit, and nothing for unknown words.', async () => {
    expect(await index.search('walnuts', { limit: 1 })).toHaveLength(1)
    expect(await index.search('zeppelin')).toEqual([])
    expect(await index.search('')).toEqual([])
    expect(await index.search('x'.repeat(1_000_000))).toEqual([])
  })

  it('DocumentIndex lists a page that is nested too deeply as skipped.', () => {
    expect(index.skipped).toEqual([{ path: 'deep.html', reason: 'HTML nested deeper than 1,000 elements' }])
  })

  it('DocumentIndex reads lines, at most 400 at a time.', async () => {
    expect(await index.read('tea.md', { from: 7, to: 8 })).toEqual({
      document: 'tea.md',
      startLine: 7,
      endLine: 8,
      lines: 13,
      text: 'The pot keeps\ntea warm for an hour.\n',
    })
    expect(await index.read('long.txt', { from: 101 })).toMatchObject({ startLine: 101, endLine: 500, lines: 1_000 })
    expect(await index.read('long.txt', { from: 5_000, to: -1 })).toMatchObject({ startLine: 1_000, endLine: 1_000 })
  })

  it('DocumentIndex reads complete lines, so that the next reading continues without a gap.', async () => {
    const file = join(root, 'wide.txt')
    const lines = Array.from({ length: 500 }, (_, i) => `${i + 1} ${'word '.repeat(60)}`)
    const text = lines.toSpliced(250, 0, '☕'.repeat(100_000)).join('\n')
    writeFileSync(file, text)
    const own = await DocumentIndex.open({ folders: [root] }, { base: root })
    rmSync(file)
    writeFileSync(file, text)
    const pieces: string[] = []
    for (let from = 1; from <= 501; ) {
      const read = await own.read('wide.txt', { from })
      expect(read?.text.length).toBeLessThanOrEqual(65_536)
      pieces.push(read?.text ?? '')
      from = (read?.endLine ?? 501) + 1
    }
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.join('').replace(/☕+\n?/, '')).toBe(lines.join('\n'))
    rmSync(file)
  })

  it('DocumentIndex gives no quotations for a limit below one.', async () => {
    expect((await index.answer('What is tea?', { limit: 0 })).citations).toEqual([])
    expect((await index.answer('What is tea?', { limit: -1 })).citations).toEqual([])
  })

  it('DocumentIndex reads only what is indexed.', async () => {
    expect(await index.read('../../etc/passwd')).toBeUndefined()
    expect(await index.read('deep.html')).toBeUndefined()
  })

  it('DocumentIndex omits a passage whose file has changed since it was indexed.', async () => {
    const own = await open()
    appendFileSync(join(root, 'same/a.md'), 'More.\n')
    expect((await own.search('walnuts')).map((hit) => hit.document)).toEqual(['same/b.md'])
  })
})
