@echo off
rem Makes a task that runs one pass every night at three: docs\scheduling.md.
rem Change the two paths, then run this file once. Remove the task again with:
rem   schtasks /Delete /TN "imagematch reindex"

set PROGRAM=C:\imagematch\.venv\Scripts\imagematch.exe
set INDEX=C:\imagematch\indexes\default

schtasks /Create /F /TN "imagematch reindex" /SC DAILY /ST 03:00 ^
  /TR "\"%PROGRAM%\" reindex --index \"%INDEX%\""
if errorlevel 1 exit /b 1

rem Try it now:
rem   schtasks /Run /TN "imagematch reindex"
