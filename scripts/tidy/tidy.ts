/** The rules of the repository that neither the compiler nor the linter checks; `npm run tidy` prints what breaks them. */
import { resolve } from 'node:path'
import { checkArrows } from './arrows.ts'
import { checkBanned } from './banned.ts'
import { checkAdapterFiles } from './check-adapter-files.ts'
import { checkClasses } from './check-classes.ts'
import { checkExports } from './check-exports.ts'
import { checkParts } from './check-parts.ts'
import { checkProse } from './check-prose.ts'
import { checkTitles } from './check-titles.ts'
import { checkVocabulary } from './check-vocabulary.ts'
import { checkCycles } from './cycles.ts'
import { checkFiles } from './files.ts'
import type { Finding } from './finding.ts'
import { openWorkspace } from './workspace.ts'

export function tidy(root: string): Finding[] {
  const workspace = openWorkspace(root)
  const findings = [
    checkArrows,
    checkCycles,
    checkBanned,
    checkAdapterFiles,
    checkFiles,
    checkVocabulary,
    checkClasses,
    checkParts,
    checkExports,
    checkProse,
    checkTitles,
  ].flatMap((check) => check(workspace))
  return findings.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1))
}

if (import.meta.main) {
  const findings = tidy(resolve(process.argv[2] ?? '.'))
  for (const { path, line, rule, message } of findings) console.error(`${path}:${line} ${rule}: ${message}`)
  console.log(findings.length === 0 ? 'tidy: clean' : `tidy: ${findings.length} found`)
  process.exitCode = findings.length === 0 ? 0 : 1
}
