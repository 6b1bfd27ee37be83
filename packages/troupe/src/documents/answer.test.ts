import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DocumentIndex } from './document-index.ts'
import { verifyCitation } from './verify-citation.ts'

const guide = `# Harbour guide

The harbour has three piers.

## Mooring

See the [rules](./rules.md) of the harbour master. Boats moor at the east pier.

To moor a boat by radio, send this:

\`\`\`sh
harbour moor --pier east

harbour confirm
\`\`\`

## How many guests may I have aboard?

Four, and a dog.

## Fees

| Boat | Fee per night | Longest stay |
|---|---|---|
| Dinghy | 4.00 | 30 nights |
| Yacht | 18.50 | 14 nights |

## Steps to leave the harbour

1. Call the tower.
2. Cast off.
3. Sound the horn.

## Settings

- \`max_connections\`: radios at once. Default: \`12\`
- \`idleTimeout\`: closes a silent radio. Default: \`90s\`
`
const source = `/**
 * Rings the bell of the pier. The bell rings
 * twice in fog.
 */
export function ringBell(times: number): void {
  bell.ring(times)
}
/**
 *
 * The crane is moved by the tide.
 */
export const crane = 1
`

let root: string
let index: DocumentIndex
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'answer-'))
  mkdirSync(join(root, 'data'))
  writeFileSync(join(root, 'guide.txt'), guide)
  writeFileSync(join(root, 'bell.ts'), source)
  writeFileSync(join(root, 'data', 'piers.csv'), 'pier,length,keeper\neast,120 m,Ada\nwest,80 m,Grace\n')
  writeFileSync(
    join(root, 'page.html'),
    '<h1>Kiosk</h1><table><tr><td>Ice cream</td><td>2.20</td></tr></table><p>The kiosk opens at 9:00.</p>',
  )
  index = await DocumentIndex.open({ folders: [root] }, { base: root })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('An answer of the index', () => {
  it.each([
    [
      'is code with the sentence that leads to it',
      'How do I moor a boat by radio?',
      /^To moor a boat by radio, send this:\n\n```sh\n[^`]+confirm\n```$/,
    ],
    [
      'is a short sentence below the heading that asks the same',
      'How many guests may I have aboard?',
      /^Four, and a dog\.$/,
    ],
    ['is a row of a table, found by its header', 'What is the fee per night of a yacht?', /^\| Yacht \| 18\.50 \|/],
    [
      'is a list item, found by a name in another spelling',
      'What is the default of maxConnections?',
      /max_connections/,
    ],
    ['is a row of a CSV file', 'Who is the keeper of the west pier?', /^west,80 m,Grace$/],
    ['is a comment without its marks', 'How often does the bell ring in fog?', /The bell rings twice in fog\./],
    [
      'is a sentence that is not cut inside a link',
      'What are the rules of the harbour master?',
      /See the \[rules\]\(\.\/rules\.md\) of the harbour master\./,
    ],
    ['is a paragraph of HTML', 'When does the kiosk open?', /The kiosk opens at 9:00\./],
  ])('%s', async (_, question, quote) => {
    const { found, citations } = await index.answer(question)
    expect(citations[0]?.quote).toMatch(quote)
    expect(found).toBe(true)
    for (const citation of citations) expect(await verifyCitation(index, citation)).toMatchObject({ ok: true })
  })

  it('An answer of the index has the headings and the table header above its quotation.', async () => {
    const { citations } = await index.answer('What is the fee per night of a yacht?')
    expect(citations[0]).toMatchObject({
      line: 26,
      heading: 'Harbour guide › Fees › Boat | Fee per night | Longest stay',
    })
  })

  it('An answer of the index reports nothing found if the important words are missing, and gives near misses.', async () => {
    const { found, citations } = await index.answer('What is the fee of a zeppelin licence in Vienna?')
    expect(found).toBe(false)
    expect(citations.length).toBeGreaterThan(0)
    expect(await index.answer('zeppelin')).toEqual({ found: false, citations: [] })
  })

  it.each([
    ['What is the fee of a dinghy in Norway?', false],
    ['What is the GPU fee of a dinghy?', false],
    ['Norway: what is the fee of a dinghy?', true],
    ['What is the fee per night of a dinghy in norway?', true],
  ])(
    'An answer of the index is less likely if no document has a name of the question: %s (%s).',
    async (question, found) => {
      expect((await index.answer(question)).found).toBe(found)
    },
  )

  it('An answer of the index is ranked by the words that the documents hold.', async () => {
    const { citations } = await index.answer('What is the zeppelin fee of a dinghy?')
    expect(citations[0]?.quote).toMatch(/^\| Dinghy/)
  })

  it('An answer of the index to how long or how large something may be needs no such adjective.', async () => {
    const { citations } = await index.answer('How long is the west pier?')
    expect(citations[0]?.quote).toBe('west,80 m,Grace')
  })

  it('An answer of the index to what something is comes from the section of that name in plain text.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plain-'))
    const rule = '='.repeat(40)
    const text = `Notes on the pier\n\n${rule}\n1. Boats\n\nOil the capstan in spring.\n\n${rule}\n2. Capstan\n\nA drum that winds the rope of a boat.\n`
    writeFileSync(join(folder, 'notes.txt'), text)
    const notes = await DocumentIndex.open({ folders: [folder] }, { base: folder })
    const { citations } = await notes.answer('What is a capstan?')
    expect(citations[0]).toMatchObject({ quote: 'A drum that winds the rope of a boat.', heading: '2. Capstan' })
    rmSync(folder, { recursive: true, force: true })
  })

  it('An answer of the index is the whole list if what is asked for is named above it.', async () => {
    const { citations } = await index.answer('What are the steps to leave the harbour?')
    expect(citations[0]).toMatchObject({ quote: '1. Call the tower.\n2. Cast off.\n3. Sound the horn.' })
    for (const citation of citations) expect(await verifyCitation(index, citation)).toMatchObject({ ok: true })
  })

  it.each([
    ['a day of the month', 'When will the fees be refunded?', 'Fees are returned by the 5th.'],
    [
      'a short list item with most words of the question',
      'Are berth numbers case sensitive?',
      'berths are **case sensitive**',
    ],
  ])('An answer of the index may be %s.', async (_, question, quote) => {
    const folder = mkdtempSync(join(tmpdir(), 'short-'))
    const dues = '# Dues\n\nFees are returned by the 5th.\n\nFees for a day need no receipt.\n'
    const berths =
      '# Berths\n\n## Numbers\n\n* berths are **case sensitive**\n\nA berth takes a case that is sensitive only by day.\n'
    writeFileSync(join(folder, 'dues.md'), dues)
    writeFileSync(join(folder, 'berths.md'), berths)
    const port = await DocumentIndex.open({ folders: [folder] }, { base: folder })
    const { citations } = await port.answer(question)
    expect(citations[0]?.quote).toBe(quote)
    rmSync(folder, { recursive: true, force: true })
  })

  it('An answer of the index ends with a passage of another document that gives another number.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'conflict-'))
    writeFileSync(join(folder, 'faq.md'), '# FAQ\n\n## How long may I return a rope?\n\nYou have 14 days.\n')
    writeFileSync(
      join(folder, 'policy.md'),
      '# Policy\n\n## How long returns take\n\nCustomers may return goods within 30 days of delivery.\n',
    )
    const shop = await DocumentIndex.open({ folders: [folder] }, { base: folder })
    const { citations } = await shop.answer('How long may I return a rope?')
    expect(citations.map(({ quote }) => quote)).toEqual([
      'You have 14 days.',
      'Customers may return goods within 30 days of delivery.',
    ])
    rmSync(folder, { recursive: true, force: true })
  })

  it('An answer of the index names the line of its first word, even if a comment opens above it.', async () => {
    const { citations } = await index.answer('What moves the crane?')
    expect(citations[0]).toMatchObject({ file: 'bell.ts', line: 10, quote: 'The crane is moved by the tide.' })
    for (const citation of citations) expect(await verifyCitation(index, citation)).toMatchObject({ ok: true })
  })

  it('An answer of the index takes the subject of a part from the whole question.', async () => {
    const partOf = 'What is the fee of a yacht, and what is its longest stay?'
    const { citations } = await index.answer('What is its longest stay?', { partOf })
    expect(citations[0]?.quote).toMatch(/^\| Yacht/)
  })
})

describe('A quotation', () => {
  async function quotationOf(page: string, question: string): Promise<string | undefined> {
    const folder = mkdtempSync(join(tmpdir(), 'quotation-'))
    try {
      writeFileSync(join(folder, 'page.md'), page)
      const index = await DocumentIndex.open({ folders: [folder] }, { base: folder })
      return (await index.answer(question)).citations[0]?.quote
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('A quotation ends with a whole sentence, not inside code.', async () => {
    const sentences = [
      'Set a time limit for the foghorn of the harbour.',
      'When the foghorn times out, its signal stops and the keeper gets an error, which names the foghorn and the pier.',
      'The crew continues unless it listens to the signal of the keeper, who rings twice.',
      'The name of the error is the same for each pier, so it matches `Horn.timeout()` too, and so does each `Horn.signal()` of a ship.',
    ]
    for (let length = 0; length < 80; length++) {
      const page = `# Foghorn\n\n${sentences.join(' ').replace('twice', `twice${'y'.repeat(length)}`)}\n`
      const quote = await quotationOf(page, 'How do I set a time limit for the foghorn?')
      expect(quote).toMatch(/^Set a time limit.*[^`(]\.$/)
      expect(`${page.slice(page.indexOf(quote ?? '?') + (quote ?? '').length)} `).toMatch(/^\s/)
    }
  })

  it('A quotation of long code begins and ends at the least indented lines.', async () => {
    const calls = Array.from({ length: 9 }, (_, i) => `    ring(${i})\n`).join('')
    const functions = ['anchor', 'ballast', 'compass'].map(
      (name) => `function ${name}() {\n  for (;;) {\n${calls}  }\n}`,
    )
    const page = `# Ship\n\n\`\`\`js\n${functions.join('\n')}\n\`\`\`\n`
    expect(await quotationOf(page, 'Which function is ballast?')).toBe(functions[1])
  })
})

describe('A log without blank lines', () => {
  it('A log without blank lines is quoted by the line, wherever the line is.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'))
    try {
      const lines = Array.from({ length: 20_000 }, (_, i) => `2026-01-01 12:00:00 info request ${i} was served`)
      lines[15_000] = '2026-01-01 12:00:00 error The lighthouse lamp failed after 31 hours'
      writeFileSync(join(folder, 'harbour.log'), lines.join('\n'))
      const index = await DocumentIndex.open({ folders: [folder] }, { base: folder })
      const { found, citations } = await index.answer('When did the lighthouse lamp fail?')
      expect(found).toBe(true)
      expect(citations[0]).toMatchObject({ file: 'harbour.log', line: 15_001, endLine: 15_001, quote: lines[15_000] })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
