import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { renderTeamSchema, teamSchemaFile } from './team-schema.ts'

it('The schema of team files is the one that they are checked by, and part of the package.', () => {
  expect(readFileSync(teamSchemaFile, 'utf8')).toBe(renderTeamSchema())
  const { files } = JSON.parse(readFileSync(new URL('../packages/troupe/package.json', import.meta.url), 'utf8'))
  expect(files).toContain('team.schema.json')
})
