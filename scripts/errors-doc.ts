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
    '<!-- written by `node scripts/errors-doc.ts` -->',
    '',
    'All error codes of Troupe. `error.code` is stable, and the class says how a caller can react. A value in `{braces}` is part of the',
    'message, and of `error.details` under that name.',
    '',
    '| code | class | HTTP | retryable | message | hint |',
    '|---|---|---|---|---|---|',
    ...Object.keys(catalogue).sort().map(row),
    '',
  ].join('\n')

if (import.meta.main) writeFileSync(errorsDoc, renderErrors())
