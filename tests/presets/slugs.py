"""Prints what Jekyll and Hugo make of each name: rules, name and slug, separated by tabs.

Usage: slugs.py FOLDER (an empty one)
"""

import html
import json
import pathlib
import subprocess
import sys
import urllib.parse

RUBY = """
require "jekyll"
File.readlines(ARGV[0], chomp: true).each do |name|
  puts "jekyll\\t#{name}\\t#{Jekyll::Utils.slugify(name)}"
  puts "jekyll-pretty\\t#{name}\\t#{Jekyll::Utils.slugify(name, mode: "pretty", cased: true)}"
end
"""
CONFIG = 'baseURL = "https://www.example.com/"\ndisableKinds = ["taxonomy", "term", "RSS", "sitemap", "404"]\n'
LAYOUT = "{{ range .Site.Data.names }}{{ urlize . | jsonify | safeHTML }}\n{{ end }}"

folder = pathlib.Path(sys.argv[1])
names_file = pathlib.Path(__file__).with_name("names.txt")
names = names_file.read_text(encoding="utf-8").splitlines()
print("# rules, name, slug: as Jekyll and Hugo make it of each line of names.txt")
ruby = subprocess.run(["ruby", "-e", RUBY, str(names_file)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(ruby.stdout.decode(), end="")
for name, text in (("config.toml", CONFIG), ("data/names.json", json.dumps(names)), ("layouts/index.html", LAYOUT)):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
subprocess.run(["hugo", "--quiet", "--source", str(folder)], check=True)
lines = (folder / "public/index.html").read_text(encoding="utf-8").splitlines()
slugs = [urllib.parse.unquote(json.loads(html.unescape(line))) for line in lines if line.strip()]
for name, slug in zip(names, slugs, strict=True):
    print("hugo", name, slug, sep="\t")
