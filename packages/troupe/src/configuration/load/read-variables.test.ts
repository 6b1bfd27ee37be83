import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packageFolder } from '../package-folder.ts'
import { readVariables } from './read-variables.ts'

it('The environment accepts each variable that the .env.example of a new project names.', () => {
  const text = readFileSync(join(packageFolder() ?? '', 'templates/shared/.env.example'), 'utf8')
  const variables = Object.fromEntries(
    [...text.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  )
  expect(Object.keys(variables)).toContain('ANTHROPIC_API_KEY')
  const { found, problems } = readVariables(variables, '.env', new Set())
  expect(problems).toEqual([])
  expect(found).toMatchObject([{ path: 'storage.url', value: 'sqlite:./data/troupe.db' }])
})

it('The environment names an unknown variable once, and the variable that was meant.', () => {
  const read = (source: 'environment' | '.env') =>
    readVariables({ TROUPE_STORAGE_URL: 'memory:', TROUPE_LOGG: 'warn' }, source, new Set()).problems
  expect(read('environment')).toMatchObject([
    { message: 'The environment has no option TROUPE_STORAGE_URL.', hint: 'Did you mean TROUPE_STORAGE?' },
    { message: 'The environment has no option TROUPE_LOGG.', hint: 'Did you mean TROUPE_LOG?' },
  ])
  expect(read('.env')[0]?.message).toBe('The file .env has no option TROUPE_STORAGE_URL.')
})
