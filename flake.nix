{
  description = "modegate: one OpenAI-compatible endpoint in front of the OpenAI API and the claude CLI";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forEach = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          packages = [ pkgs.python311 pkgs.uv pkgs.gnumake pkgs.git ];
          # Wheels bring compiled code that looks for these where Nix does not put them.
          LD_LIBRARY_PATH = pkgs.lib.makeLibraryPath [ pkgs.stdenv.cc.cc.lib pkgs.zlib ];
          UV_PYTHON_DOWNLOADS = "never";
          shellHook = ''
            if ! command -v claude >/dev/null; then
              echo "note: there is no claude on PATH. The tests and the demo use the one from the"
              echo "      package claude-agent-sdk; for a login of your own install the CLI."
            fi
          '';
        };
      });
    };
}
