/** A copy of the sources with a defect, which the trial must find. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sources } from '../start-child.ts'

/** @returns the copy's folder; it lies here so that the copy finds the packages */
export function plant(file: string, before: string, after: string): { readonly from: string; remove(): void } {
  const from = mkdtempSync(join(import.meta.dirname, '.planted-'))
  for (const moduleName of ['core', 'storage'])
    cpSync(join(sources, moduleName), join(from, moduleName), { recursive: true })
  const text = readFileSync(join(from, file), 'utf8')
  if (!text.includes(before)) throw new Error(`${file} no longer holds: ${before}`)
  writeFileSync(join(from, file), text.replace(before, after))
  return { from, remove: () => rmSync(from, { recursive: true }) }
}
