import { describe, expect, test } from 'vitest'
import { postgresFromEnvironment } from './postgres-from-environment.ts'

describe('the environment', () => {
  test('postgresFromEnvironment reads the names of the guides.', () => {
    const environment = {
      DB_HOST: 'db',
      DB_PORT: '6543',
      DB_NAME: 'shop',
      DB_USER: 'app',
      DB_PASSWORD: 'p@ss /#%',
      HOME: '/',
    }
    expect(postgresFromEnvironment(environment)).toEqual({
      host: 'db',
      port: 6543,
      database: 'shop',
      user: 'app',
      password: 'p@ss /#%',
    })
  })

  test('postgresFromEnvironment accepts a URL, and other variables take precedence over it.', () => {
    const url = 'postgres://ada@db/shop'
    expect(postgresFromEnvironment({ DATABASE_URL: url, DB_PASSWORD: 'x', DB_HOST: '' })).toEqual({
      url,
      password: 'x',
    })
  })

  test('postgresFromEnvironment rejects an empty environment and an invalid port, without the values.', () => {
    expect(() => postgresFromEnvironment({ DB_HOST: '' })).toThrow(/none of DATABASE_URL/)
    for (const port of ['secret', '-1', '1.5', '65536', '999999'])
      try {
        postgresFromEnvironment({ DB_PORT: port, DB_PASSWORD: 'secret' })
        expect.unreachable()
      } catch (error) {
        expect(error).toMatchObject({ code: 'validation.failed' })
        expect(String(error)).not.toContain(port)
      }
  })

  test('postgresFromEnvironment uses the environment of the process by default.', () => {
    process.env.DB_NAME = 'of_the_process'
    try {
      expect(postgresFromEnvironment().database).toBe('of_the_process')
    } finally {
      delete process.env.DB_NAME
    }
  })
})
