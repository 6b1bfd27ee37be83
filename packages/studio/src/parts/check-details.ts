import { count, inShort } from '../format.ts'

/** The details of a health check as text: `longest queue 3, workers 2`. */
export const checkDetails = (details: Readonly<Record<string, unknown>> = {}): string =>
  Object.entries(details)
    .map(([name, value]) => `${inWords(name)} ${typeof value === 'number' ? count(value) : inShort(value)}`)
    .join(', ')

const inWords = (name: string) => name.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`)
