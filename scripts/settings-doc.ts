/** Writes docs/settings.md from the tables of settings and of aliases; a test keeps them equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Alias, aliases, notForTroupe } from '../packages/troupe/src/configuration/settings/aliases.ts'
import { type Setting, settings, variableOf } from '../packages/troupe/src/configuration/settings/settings.ts'

export const settingsDoc = fileURLToPath(new URL('../docs/settings.md', import.meta.url))

const cells = (...texts: readonly string[]) => `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
const isLive = (path: string) =>
  settings.some((one) => one.live && (one.path === path || path.startsWith(`${one.path}.`)))

const rowOf = (setting: Setting) => {
  const { path, kind, standard, description, secret } = setting
  const value =
    standard === undefined ? '' : `\`${typeof standard === 'string' ? standard : JSON.stringify(standard)}\``
  return cells(
    `\`${path}\``,
    `\`${variableOf(setting)}\``,
    `${description}: ${kind.description}${secret ? '; never shown' : ''}`,
    value,
    isLive(path) ? 'yes' : '',
  )
}

const descriptionOf = (alias: Alias) =>
  'always' in alias
    ? `accepted when true; ${alias.always}`
    : 'path' in alias
      ? `\`${alias.path}\`, ${alias.description}`
      : `\`${alias.requires}\`, ${alias.description}`

/** The page's text. */
export const renderSettings = (): string =>
  [
    '# Settings',
    '',
    'Everything that a deployment may set, in the file, as a variable, or as a flag by its path; see [configuration.md](configuration.md).',
    'What is marked as live changes while running too, `troupe.reconfigure({ … })`; anything else needs a restart. A structure is',
    'JSON as a variable. Written by `node scripts/settings-doc.ts`.',
    '',
    '| setting | variable | what | default | live |',
    '|---|---|---|---|---|',
    ...settings.map(rowOf),
    '',
    '## Names that guides teach',
    '',
    'They mean the same here. One that asks to turn off what is always on is refused with a sentence that says why.',
    '',
    '| variable | what it sets |',
    '|---|---|',
    ...Object.entries(aliases).map(([name, alias]) => cells(`\`${name}\``, descriptionOf(alias))),
    ...Object.entries(notForTroupe).map(([name, component]) =>
      cells(`\`${name}\``, `nothing here: it is for ${component}`),
    ),
    '',
  ].join('\n')

if (import.meta.main) writeFileSync(settingsDoc, renderSettings())
