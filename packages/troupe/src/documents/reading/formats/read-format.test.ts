import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import JSZip from 'jszip'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DocumentIndex } from '../../document-index.ts'
import { verifyCitation } from '../../verify-citation.ts'
import { readEpub } from './read-epub.ts'

let root: string
let index: DocumentIndex

/** The smallest PDF that holds a line of text on each page. */
function pdfOf(pages: readonly string[], trailer = ''): string {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...pages.flatMap((text, i) => {
      const content = `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`,
        `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
      ]
    }),
  ]
  let pdf = '%PDF-1.4\n'
  const offsets = objects.map((object, i) => {
    const at = pdf.length
    pdf += `${i + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  return `${pdf}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer}>>\nstartxref\n${pdf.length}\n%%EOF\n`
}

async function epubOf(chapters: readonly string[]): Promise<Buffer> {
  const zip = new JSZip()
  zip.file(
    'META-INF/container.xml',
    '<container><rootfiles><rootfile full-path="book/content.opf"/></rootfiles></container>',
  )
  const items = chapters.map(
    (_, i) => `<item id="c${i}" href="chapter%20${i}.xhtml" media-type="application/xhtml+xml"/>`,
  )
  const spine = chapters.map((_, i) => `<itemref idref="c${i}"/>`)
  zip.file(
    'book/content.opf',
    `<package><manifest>${items.join('')}</manifest><spine>${spine.join('')}</spine></package>`,
  )
  for (const [i, text] of chapters.entries())
    zip.file(
      `book/chapter ${i}.xhtml`,
      `<html><head><title>x</title></head><body><h1>Chapter ${i + 1}</h1>\n<p>${text}</p></body></html>`,
    )
  return zip.generateAsync({ type: 'nodebuffer' })
}

async function docxOf(paragraphs: readonly string[]): Promise<Buffer> {
  const zip = new JSZip()
  zip.file(
    '[Content_Types].xml',
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
  )
  zip.file(
    '_rels/.rels',
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
  )
  const body = paragraphs.map((text) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`).join('')
  zip.file(
    'word/document.xml',
    `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`,
  )
  return zip.generateAsync({ type: 'nodebuffer' })
}

/** An archive of 8 KB that unpacks to 20 MB. */
const zeros = (name: string): Promise<Buffer> =>
  new JSZip().file(name, Buffer.alloc(20 * 1024 * 1024)).generateAsync({ type: 'nodebuffer', compression: 'DEFLATE' })

/** Changes the entries of an archive's directory, each given by where it begins. */
function withEntries(archive: Buffer, change: (at: number) => void): Buffer {
  for (let at = archive.indexOf('PK\x01\x02'); at >= 0; at = archive.indexOf('PK\x01\x02', at + 1)) change(at)
  return archive
}

/** Names one byte as the unpacked size of each entry. */
const lying = (archive: Buffer): Buffer => withEntries(archive, (at) => archive.writeUInt32LE(1, at + 24))
const encrypted = (archive: Buffer): Buffer => withEntries(archive, (at) => archive.writeUInt16LE(1, at + 8))

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'formats-'))
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(root, name), content)
  write(
    'warranty.pdf',
    pdfOf(['This is the warranty of the kettle.', 'The warranty of the thermostat lasts 30 months.']),
  )
  write('scan.pdf', pdfOf(['']))
  const hex = '00'.repeat(32)
  const password = `/Encrypt << /Filter /Standard /V 1 /R 2 /O <${hex}> /U <${hex}> /P -4 >> /ID [<00> <00>] `
  write('locked.pdf', pdfOf(['The vault is opened on Friday.'], password))
  write('damaged.docx', (await docxOf(['The cellar floods.'])).subarray(0, 300))
  write('damaged.epub', (await epubOf(['The cellar floods.'])).fill(7, 60, 200))
  write('locked.docx', encrypted(await docxOf(['The vault is opened on Friday.'])))
  write('bomb.docx', lying(await zeros('word/document.xml')))
  write('bomb.epub', lying(await zeros('book/chapter.xhtml')))
  write('line.txt', `${'All in one line. '.repeat(60_000)}The pier is repainted in May.`)
  write('damaged.pdf', '%PDF-1.4 nothing else')
  write('minutes.docx', await docxOf(['Minutes of the tea room.', 'The roof is mended by Grace in October.']))
  write('novel.epub', await epubOf(['The captain sleeps.', 'The lighthouse keeper paints the stairs green.']))
  const mail =
    'From: Ada <ada@example.org>\r\nTo: Grace <grace@example.org>\r\nSubject: The new ladder\r\n\r\nThe ladder arrives on Tuesday.\r\n'
  write('ladder.eml', mail)
  const cells = [
    { cell_type: 'markdown', source: ['# Brewing\n', 'How to weigh the leaves:'] },
    { cell_type: 'code', source: 'grams = cups * 2.5' },
  ]
  write('brewing.ipynb', JSON.stringify({ nbformat: 4, metadata: { language_info: { name: 'python' } }, cells }))
  write('latin.txt', Buffer.from('Le café crème coûte 4 euros.', 'latin1'))
  write('wide.txt', Buffer.from('\ufeffOolong is stored in the cellar.', 'utf16le'))
  write('photo.png', Uint8Array.from([1, 2, 3]))
  write('old.zip', Uint8Array.from([1, 2, 3]))
  write('blob.bin', Uint8Array.from([1, 0, 3]))
  index = await DocumentIndex.open({ folders: [root] }, { base: root })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

it.each([
  [
    'a PDF, with its page',
    'How long does the warranty of the thermostat last?',
    'warranty.pdf',
    /lasts 30 months/,
    'page 2',
  ],
  ['a Word document', 'Who mends the roof in October?', 'minutes.docx', /mended by Grace/, ''],
  [
    'a notebook, code with the sentence before it',
    'How do I weigh the leaves?',
    'brewing.ipynb',
    /leaves:\n\n```python\ngrams/,
    'Brewing',
  ],
  ['a line of a megabyte', 'When is the pier repainted?', 'line.txt', /repainted in May/, ''],
  ['text in Latin-1', 'What does a café crème cost?', 'latin.txt', /coûte 4 euros/, ''],
  ['text in UTF-16', 'Where is oolong stored?', 'wide.txt', /in the cellar/, ''],
])('The index answers from %s.', async (_, question, file, quote, heading) => {
  const { citations } = await index.answer(question)
  expect(citations[0]).toMatchObject({ file, heading, quote: expect.stringMatching(quote) })
  for (const citation of citations) expect(await verifyCitation(index, citation)).toMatchObject({ ok: true })
})

it('An EPUB that names a chapter by many ids is read once for each chapter.', async () => {
  const zip = await JSZip.loadAsync(await epubOf(['The captain sleeps.']))
  const ids = Array.from({ length: 1_000 }, (_, i) => `c${i}`)
  const items = ids.map((id) => `<item id="${id}" href="chapter%200.xhtml"/>`).join('')
  const spine = ids.map((id) => `<itemref idref="${id}"/>`).join('')
  zip.file('book/content.opf', `<package><manifest>${items}</manifest><spine>${spine}</spine></package>`)
  const text = await readEpub(await zip.generateAsync({ type: 'nodebuffer' }))
  expect(text.split('The captain sleeps.')).toHaveLength(2)
})

it('Files that are not read are listed with the reason.', () => {
  const reasons = Object.fromEntries(index.skipped.map(({ path, reason }) => [path, reason]))
  expect(reasons).toMatchObject({
    'photo.png': 'an image: images are not read',
    'old.zip': 'an archive: archives are not opened',
    'blob.bin': 'binary',
    'scan.pdf': expect.stringMatching(/scanned pages are not read/),
    'locked.pdf': expect.stringMatching(/^unreadable \(.*password/i),
    'locked.docx': 'unreadable (it is encrypted)',
    'damaged.docx': expect.stringMatching(/^unreadable/),
    'damaged.epub': expect.stringMatching(/^unreadable/),
    'bomb.docx': 'unreadable (it unpacks to more than 16 MB)',
    'bomb.epub': 'unreadable (it unpacks to more than 16 MB)',
    'damaged.pdf': expect.stringMatching(/^unreadable/),
  })
})
