/**
 * The OpenAPI document of the server, which `node scripts/openapi.ts` writes. The build puts its text here, so that a
 * program of one file has it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder } from '../../configuration/index.ts'

export const openapiText = (): string => readFileSync(join(packageFolder() ?? '', 'openapi.json'), 'utf8')
