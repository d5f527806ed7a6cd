// npm run build: the program in one folder. What a command needs is read from a few files instead of hundreds, without what nobody uses;
// what that came to is in docs/architecture.md.
import { rm } from 'node:fs/promises'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * instrumentation-pg hooks pg as Node loads it; pg-format, of pg-listen, looks for a file of its own beside itself; and what exports by
 * gRPC asks for that by `require` as well as by `import`, and must find the same.
 */
const notBundled = ['pg', 'pg-listen', '@grpc/grpc-js']

/**
 * `import` of Node's http reads everything that it exports, and so loads an HTTP client, a WebSocket and WebAssembly: 14 MB in each
 * thread that nobody here uses. They are what it only gets where it is asked for, so the rest is all that is passed on.
 */
const httpAlone: Plugin = {
  name: 'http-alone',
  setup: (builder) => {
    builder.onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
      kind === 'require-call' ? undefined : { path: 'node:http', namespace: 'http-alone' },
    )
    const own = Object.entries(Object.getOwnPropertyDescriptors(http)).filter(([, property]) => 'value' in property)
    const contents = `const http = process.getBuiltinModule('node:http')
      export default http
      export const { ${own.map(([name]) => name).join(', ')} } = http`
    builder.onLoad({ filter: /.*/, namespace: 'http-alone' }, () => ({ contents }))
  },
}

/**
 * sdk-node brings every exporter there is, for whoever leaves it the choice. Here the processor of spans is given to it, with one
 * exporter that exporters/traces/sdk.ts has loaded, and readers of metrics and processors of logs are none.
 */
const oneExporter: Plugin = {
  name: 'one-exporter',
  setup: (builder) => {
    builder.onResolve({ filter: /^@opentelemetry\/(?:exporter-|otlp-grpc-)/ }, ({ path, importer }) =>
      importer.includes('/@opentelemetry/sdk-node/') ? { path, namespace: 'unused', sideEffects: false } : undefined,
    )
    builder.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** Builds the program into a folder of its own, as `main.js` and what that loads. @throws esbuild's list of what is wrong. */
export async function buildProgram(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await build({
    absWorkingDir: root,
    entryPoints: { main: 'agent/main.ts', 'log-reader-thread': 'exporters/statements/log-reader-thread.ts' },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: notBundled,
    plugins: [httpAlone, oneExporter],
    // Packages of CommonJS ask for Node's modules by `require`.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)",
    },
    // Licences come with the packages, which the image has whole.
    legalComments: 'none',
    logLevel: 'warning',
  })
}

if (import.meta.main) await buildProgram(`${root}dist`)
