/** Writes packages/troupe/llms.txt, the list of the pages that the package contains, for programs that read documentation. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
export const llmsFile = join(root, 'packages/troupe/llms.txt')

/** Pages for those who change Troupe. */
const aboutTests = new Set(['promises.md', 'reliability.md'])

/** Returns the title of a page and its first sentence. */
export function summaryOf(page: string): { readonly title: string; readonly sentence: string } {
  const [heading = '', ...parts] = page.replaceAll(/^```[\s\S]*?^```$/gm, '').split(/\n{2,}/)
  const isProse = (part: string) => /^[A-Z`“"]/.test(part)
  const [sentence = ''] = (parts.find(isProse) ?? '').replaceAll('\n', ' ').split(/(?<=[.:])\s/)
  // Links of a page lead nowhere in a list of pages.
  return {
    title: heading.replace(/^# /, '').trim(),
    sentence: sentence.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1').replace(/:$/, '.'),
  }
}

export function renderLlms(): string {
  const { description } = JSON.parse(readFileSync(join(root, 'packages/troupe/package.json'), 'utf8')) as {
    description: string
  }
  const pages = globSync('docs/*.md', { cwd: root })
    .filter((path) => !aboutTests.has(basename(path)))
    .sort()
  const lines = pages.map((path) => {
    const { title, sentence } = summaryOf(readFileSync(join(root, path), 'utf8'))
    return `- [${title}](docs/${basename(path)}): ${sentence}`
  })
  return ['# Troupe', '', `> ${description}`, '', '## Pages', '', ...lines, ''].join('\n')
}

if (import.meta.main) writeFileSync(llmsFile, renderLlms())
