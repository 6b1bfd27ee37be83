/**
 * The examples of the guides, for the compiler: every block of TypeScript in README.md and docs that imports the library
 * becomes a file, at the lines it has in its page, so that an error names the place to mend.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @returns one text per block, of which all lines before the block are blank. */
export function codeBlocks(page: string): string[] {
  const lines = page.split('\n')
  const blocks: string[] = []
  for (let start = lines.indexOf('```ts'); start !== -1; start = lines.indexOf('```ts', start + 1)) {
    const code = lines.slice(start + 1, lines.indexOf('```', start)).join('\n')
    if (/from 'troupe(\/[\w/]+)?'/.test(code)) blocks.push(`${'\n'.repeat(start + 1)}${code}\n`)
  }
  return blocks
}

/** @returns the project to compile, relative to the root. */
export function writeDocumentedCode(root: string): string {
  const folder = 'node_modules/.cache/documented-code'
  rmSync(join(root, folder), { recursive: true, force: true })
  mkdirSync(join(root, folder), { recursive: true })
  for (const path of globSync(['README.md', 'docs/**/*.md'], { cwd: root }))
    for (const [index, code] of codeBlocks(readFileSync(join(root, path), 'utf8')).entries())
      writeFileSync(join(root, folder, `${path.replaceAll('/', '.')}.${index + 1}.ts`), code)
  const settings = {
    extends: '../../../tsconfig.base.json',
    compilerOptions: { noEmit: true },
    include: ['.'],
    exclude: [],
  }
  writeFileSync(join(root, folder, 'tsconfig.json'), JSON.stringify(settings))
  return `${folder}/tsconfig.json`
}
