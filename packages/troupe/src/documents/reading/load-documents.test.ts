import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ValidationError } from '../../core/index.ts'
import { type DocumentSources, loadDocuments } from './load-documents.ts'
import { readText } from './read-text.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'documents-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), content)
}

async function load(sources: Partial<DocumentSources> = {}) {
  const read: string[] = []
  const skipped: Record<string, string> = {}
  for await (const one of loadDocuments({ folders: [root], ...sources }, { base: root })) {
    if ('skipped' in one) skipped[one.skipped.path] = one.skipped.reason
    else if (one.read?.ok === false) skipped[one.found.path] = one.read.reason
    else read.push(one.found.path)
  }
  return { read, skipped }
}

describe('loadDocuments', () => {
  it('loadDocuments reads files of all kinds in the order of their names, whatever the file system gives.', async () => {
    for (const path of ['b.md', 'a/z.ts', 'a/b.html', 'c.txt', 'A.md']) write(path, `text of ${path}`)
    expect(await load()).toEqual({ read: ['A.md', 'b.md', 'c.txt', 'a/b.html', 'a/z.ts'], skipped: {} })
  })

  it('loadDocuments skips and lists what is not a document, each with its reason.', async () => {
    write('good.md', 'Tea is a drink.')
    write('picture.png', Uint8Array.of(0x89, 0x50, 0, 1))
    write('latin.txt', Uint8Array.of(0x63, 0x61, 0x66, 0xe9))
    write('brewing.ipynb', '{"cells": 5}')
    write('wide.txt', Buffer.from('\ufefftea', 'utf16le'))
    write('big.log', 'x'.repeat(8 * 1024 * 1024 + 1))
    write('blank.md', ' \n\n')
    write('.env', 'SECRET=1')
    write('node_modules/pkg/README.md', 'installed')
    execFileSync('mkfifo', [join(root, 'pipe')])
    symlinkSync(join(root, 'nowhere'), join(root, 'broken'))
    expect(await load()).toEqual({
      read: ['good.md', 'latin.txt', 'wide.txt'],
      skipped: {
        'picture.png': 'an image: images are not read',
        'big.log': 'over 8 MB (8.0 MB)',
        'blank.md': 'empty',
        'brewing.ipynb': 'unreadable (it is not a notebook of format 4)',
        '.env': 'hidden',
        node_modules: 'installed packages are not walked',
        pipe: 'not a regular file',
        broken: 'unreadable (it no longer exists)',
      },
    })
  })

  it('readText decodes UTF-16 without a byte order mark in either order, and no other data with zero bytes.', async () => {
    const textOf = async (bytes: Uint8Array) => {
      write('wide.txt', bytes)
      const read = await readText(join(root, 'wide.txt'))
      return read.ok ? read.text : read.reason
    }
    const texts = ['Tea', 'Über Tee\r\n', 'Чай — это напиток.\nЛист.\n', '茶は 飲み物。\n一枚の葉。\n']
    for (const text of texts) {
      expect(await textOf(Buffer.from(text, 'utf16le'))).toBe(text)
      expect(await textOf(Buffer.from(text, 'utf16le').swap16())).toBe(text)
    }
    expect(await textOf(Buffer.from(Uint16Array.from({ length: 500 }, (_, i) => i).buffer))).toBe('binary')
    expect(await textOf(Buffer.from(Float64Array.of(1, 2.5, 1e9).buffer))).toBe('binary')
    expect(await textOf(Buffer.concat([Buffer.from('Tea'), Buffer.alloc(509)]))).toBe('binary')
  })

  it('readText decodes a page that is not UTF-8 in the charset that it declares.', async () => {
    const japanese = Uint8Array.of(0x93, 0xfa, 0x96, 0x7b)
    const textOf = async (name: string, head: string) => {
      write(name, Buffer.concat([Buffer.from(`${head}\n`), japanese]))
      const read = await readText(join(root, name))
      return read.ok && read.text.split('\n')[1]
    }
    const asWindows1252 = '“ú–{'
    expect(await textOf('a.html', '<meta charset="Shift_JIS">')).toBe('日本')
    expect(await textOf('b.htm', '<meta http-equiv=content-type content="text/html; charset=shift_jis">')).toBe('日本')
    expect(await textOf('c.xhtml', '<?xml version="1.0" encoding="Shift_JIS"?>')).toBe('日本')
    expect(await textOf('d.html', '<meta charset="utf-8">')).toBe(asWindows1252)
    expect(await textOf('e.html', '<meta charset="klingon">')).toBe(asWindows1252)
    expect(await textOf('f.html', '<p>no charset')).toBe(asWindows1252)
    expect(await textOf('g.txt', 'charset=shift_jis')).toBe(asWindows1252)
  })

  it('loadDocuments reads a file of exactly 8 MB.', async () => {
    write('large.txt', 'word '.repeat(8 * 1024 * 1024).slice(0, 8 * 1024 * 1024))
    expect((await load()).read).toEqual(['large.txt'])
  })

  it('loadDocuments ends on circular links, and follows no link out of the folder.', async () => {
    write('docs/a.md', 'Tea.')
    write('outside/secret.md', 'Not for the report.')
    symlinkSync(join(root, 'docs'), join(root, 'docs/loop'))
    symlinkSync(join(root, 'outside'), join(root, 'docs/out'))
    symlinkSync('self', join(root, 'docs/self'))
    symlinkSync('a.md', join(root, 'docs/b.md'))
    const { read, skipped } = await load({ folders: [join(root, 'docs')] })
    expect(read).toEqual(['docs/a.md'])
    expect(skipped).toEqual({
      'docs/loop': 'a link to a folder that is read already',
      'docs/out': 'a link that leads out of the folder',
      'docs/self': 'a link that leads to itself',
    })
  })

  it('loadDocuments reads a file once if folders overlap.', async () => {
    write('docs/a.md', 'Tea.')
    write('docs/deep/b.md', 'Coffee.')
    const { read } = await load({
      folders: [join(root, 'docs'), join(root, 'docs/deep')],
      files: [join(root, 'docs/a.md')],
    })
    expect(read).toEqual(['docs/a.md', 'docs/deep/b.md'])
  })

  it('loadDocuments reads a file once if it is named by a link or below one.', async () => {
    write('docs/a.md', 'Tea.')
    symlinkSync(join(root, 'docs'), join(root, 'link'))
    const [docs, link] = [join(root, 'docs'), join(root, 'link')]
    expect((await load({ folders: [link], files: [join(link, 'a.md')] })).read).toEqual(['link/a.md'])
    expect((await load({ folders: [docs], files: [join(link, 'a.md')] })).read).toEqual(['docs/a.md'])
  })

  it('loadDocuments reads a named folder inside node_modules.', async () => {
    write('node_modules/pkg/docs/guide.md', 'Guide.')
    expect((await load({ folders: [join(root, 'node_modules/pkg/docs')] })).read).toEqual([
      'node_modules/pkg/docs/guide.md',
    ])
  })

  it('loadDocuments lists a single file that is missing and continues.', async () => {
    write('a.md', 'Tea.')
    expect(await load({ files: [join(root, 'gone.md')] })).toEqual({
      read: ['a.md'],
      skipped: { 'gone.md': 'unreadable (it no longer exists)' },
    })
  })

  it('loadDocuments rejects a folder that is missing, empty, a file, or without a readable document, in one sentence.', async () => {
    mkdirSync(join(root, 'empty'))
    write('file.md', 'Tea.')
    write('bin/a.bin', Uint8Array.of(0))
    for (const [name, message] of [
      ['nowhere', /nowhere does not exist\.$/],
      ['file.md/deeper', /deeper does not exist\.$/],
      ['empty', /empty is empty\.$/],
      ['file.md', /file\.md is a file, not a folder of documents\.$/],
      ['bin', /holds no document that can be read \(bin\/a\.bin: binary\)\.$/],
    ] as const) {
      const rejected = await load({ folders: [join(root, name)] }).catch((error: unknown) => error)
      expect(rejected).toBeInstanceOf(ValidationError)
      expect((rejected as Error).message).toMatch(message)
    }
  })

  it.skipIf(process.getuid?.() === 0)('loadDocuments rejects a folder that it may not read.', async () => {
    mkdirSync(join(root, 'closed'))
    chmodSync(join(root, 'closed'), 0)
    await expect(load({ folders: [join(root, 'closed')] })).rejects.toThrow(
      /cannot be read: unreadable \(no permission\)/,
    )
  })

  it('loadDocuments rejects a call without folders and files.', async () => {
    await expect(load({ folders: [] })).rejects.toThrow(ValidationError)
  })

  it('loadDocuments stops when its signal aborts.', async () => {
    write('a.md', 'Tea.')
    const documents = loadDocuments({ folders: [root] }, { signal: AbortSignal.abort(new Error('stopped')) })
    await expect(documents.next()).rejects.toThrow('stopped')
  })
})
