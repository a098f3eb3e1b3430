# A formula of Homebrew for the released binaries; for a tap, as `Formula/cdn-purge.rb`.
class CdnPurge < Formula
  desc "Purge exactly the CDN URLs that a deployment changed"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "@URL@/cdn-purge-@VERSION@-aarch64-apple-darwin"
      sha256 "@SHA256 aarch64-apple-darwin@"
    end
    on_intel do
      url "@URL@/cdn-purge-@VERSION@-x86_64-apple-darwin"
      sha256 "@SHA256 x86_64-apple-darwin@"
    end
  end
  on_linux do
    on_arm do
      url "@URL@/cdn-purge-@VERSION@-aarch64-unknown-linux-gnu"
      sha256 "@SHA256 aarch64-unknown-linux-gnu@"
    end
    on_intel do
      url "@URL@/cdn-purge-@VERSION@-x86_64-unknown-linux-gnu"
      sha256 "@SHA256 x86_64-unknown-linux-gnu@"
    end
  end

  def install
    bin.install Dir["cdn-purge-*"].first => "cdn-purge"
    chmod 0755, bin/"cdn-purge"
    generate_completions_from_executable(bin/"cdn-purge", "completions")
    (man1/"cdn-purge.1").write Utils.safe_popen_read(bin/"cdn-purge", "man")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/cdn-purge --version")
    assert_match "done", shell_output("#{bin}/cdn-purge demo 2>&1")
  end
end
