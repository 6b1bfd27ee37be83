/** Writes docs/errors.md from the catalogue; a test keeps the two equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CatalogueEntry, catalogue, type ErrorCode, failure } from '../packages/troupe/src/core/index.ts'

export const errorsDoc = fileURLToPath(new URL('../docs/errors.md', import.meta.url))

const row = (code: string) => {
  const entry: CatalogueEntry = catalogue[code as ErrorCode]
  const error = failure(code as ErrorCode)
  const cells = [
    `\`${code}\``,
    error.name,
    String(error.status),
    error.retryable ? 'yes' : 'no',
    entry.message,
    entry.hint,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** The page's text. */
export const renderErrors = (): string =>
  [
    '# Errors',
    '',
    'Every code that Troupe raises. `error.code` is stable; the class says how callers react; `{name}` in a message is filled',
    'in, and stands in `error.details` too. Written by `node scripts/errors-doc.ts` from the catalogue.',
    '',
    '| code | class | HTTP | try again | message | what to do |',
    '|---|---|---|---|---|---|',
    ...Object.keys(catalogue).sort().map(row),
    '',
  ].join('\n')

if (import.meta.main) writeFileSync(errorsDoc, renderErrors())
