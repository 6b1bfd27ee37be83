/** Writes the schema of team files, which editors read, from the one that checks them; a test keeps the two equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { teamJsonSchema } from '../packages/troupe/src/cli/teams/team-file.ts'

export const teamSchemaFile = fileURLToPath(new URL('../packages/troupe/team.schema.json', import.meta.url))

/** The file's text. */
export const renderTeamSchema = (): string => `${JSON.stringify(teamJsonSchema(), undefined, 2)}\n`

if (import.meta.main) writeFileSync(teamSchemaFile, renderTeamSchema())
